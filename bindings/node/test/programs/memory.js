// SPDX-License-Identifier: MIT
'use strict';

// Tracks so many events of ten properties, awaiting each, to a server that
// throws them away; prints the memory after half of them and at the end.
const { fork } = require('child_process');
const http = require('http');

if (process.argv[2] === 'serve') {
  const server = http.createServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(200, { 'X-Datalyr-Batch': '10000' }).end('{}'));
  });
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
  process.on('disconnect', () => process.exit());
} else {
  const child = fork(__filename, ['serve']);
  child.once('message', async (port) => {
    await track(`http://127.0.0.1:${port}/track`);
    child.disconnect();
  });
}

async function track(host) {
  const Datalyr = require('@datalyr/api');
  const total = Number(process.argv[2]);
  const client = new Datalyr({ apiKey: 'dk_memory', host });
  let early = 0;
  for (let i = 0; i < total; i++) {
    if (i === Math.floor(total / 2)) {
      global.gc?.();
      early = process.memoryUsage.rss();
    }
    await client.track({ userId: `user_${i % 1000}`, event: 'purchase', properties: {
      revenue: 99.99, currency: 'USD', product_id: `prod_${i}`, quantity: 3, plan: 'enterprise',
      path: '/checkout/complete', method: 'POST', referrer: 'https://example.com/landing',
      is_first: true, country: 'DE' } });
  }
  await client.flush();
  global.gc?.();
  const late = process.memoryUsage.rss();
  await client.close();
  console.log(JSON.stringify({ early, late, delivered: client.stats().delivered }));
}
