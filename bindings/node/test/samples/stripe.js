// SPDX-License-Identifier: MIT
const express = require('express');
const Datalyr = require('@datalyr/api');
const app = express();
const datalyr = new Datalyr('dk_your_api_key');

app.post('/webhook/stripe', express.json(), async (req, res) => {
  const event = req.body;
  if (event.type === 'checkout.session.completed') {
    const session = event.data.object;
    await datalyr.track({
      userId: session.client_reference_id,
      event: 'purchase',
      properties: {
        revenue: session.amount_total / 100,
        currency: session.currency,
        order_id: session.id,
        payment_method: 'stripe'
      }
    });
  }
  res.json({ received: true });
});

module.exports = { app, datalyr }; // test: listens on a free port, not on 3000
