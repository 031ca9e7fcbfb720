// SPDX-License-Identifier: MIT
const Datalyr = require('@datalyr/api');
const datalyr = new Datalyr('dk_your_api_key');
const fetchOrders = async () => [ // test: three orders
  { id: 'o1', userId: 'u1', status: 'paid', total: 10 },
  { id: 'o2', userId: 'u2', status: 'sent', total: 20.5 },
  { id: 'o3', userId: 'u1', status: 'paid', total: 0 }];

async function processOrderQueue() {
  const orders = await fetchOrders();
  for (const order of orders) {
    await datalyr.track({
      userId: order.userId,
      event: 'order_processed',
      properties: {
        order_id: order.id,
        status: order.status,
        total: order.total
      }
    });
  }
  // Ensure all events sent before job completes
  await datalyr.flush();
}

module.exports = { processOrderQueue, datalyr };
