// SPDX-License-Identifier: MIT
const express = require('express'); // test: as in the samples around it
const Datalyr = require('@datalyr/api');
const app = express();
const datalyr = new Datalyr('dk_your_api_key');
app.use(express.json()); // test: a body
app.use((req, res, next) => { req.user = { id: 'user_123' }; next(); }); // test: a login

// Don't block webhook response
app.post('/webhook', async (req, res) => {
  // Respond immediately
  res.json({ received: true });
  // Track asynchronously
  datalyr.track({
    userId: req.body.userId,
    event: 'webhook_received'
  }).catch(err => console.error('Tracking error:', err));
});

// Server-side (Server SDK)
app.post('/api/signup', async (req, res) => {
  await datalyr.track({
    userId: req.user.id,
    anonymousId: req.body.anonymousId, // Link identities
    event: 'signup'
  });
  res.end(); // test: the sample leaves the answer out
});

module.exports = { app, datalyr };
