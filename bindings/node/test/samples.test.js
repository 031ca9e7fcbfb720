// SPDX-License-Identifier: MIT
'use strict';

// Every sample of the documentation page, run against a local collector with
// nothing but DATALYR_HOST set.
const assert = require('assert');
const path = require('path');
const { test, before, after } = require('node:test');

const { Collector, missing } = require('./support/collector');
const { start } = require('./support/program');

const sample = (name) => path.join(__dirname, 'samples', name);
let hasExpress = true;
try {
  require.resolve('express');
} catch {
  hasExpress = false;
}
const skip = { skip: missing };
const skipExpress = { skip: missing || (hasExpress ? false : 'express is not installed') };

let collector;

before(async () => {
  if (!missing) {
    collector = await Collector.start();
    process.env.DATALYR_HOST = collector.url;
  }
});

after(async () => {
  await collector?.stop();
});

async function run(...args) {
  const ended = await start(args.map(String)).ended;
  assert.strictEqual(ended.code, 0, ended.stderr);
  return ended;
}

/** Posts to an Express application that listens for as long. */
async function post(app, route, body) {
  const server = await new Promise((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening));
  });
  const answer = await fetch(`http://127.0.0.1:${server.address().port}${route}`, {
    method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });
  const text = await answer.text();
  server.closeAllConnections();
  server.close();
  return { status: answer.status, text };
}

test('page: basic usage, batching, error handling and close', skip, async () => {
  const { stdout, stderr } = await run(sample('basic.js'));
  assert.match(stdout, /^anon_/);
  assert.strictEqual(stderr, '');
  assert.strictEqual((await collector.events('batch_event')).length, 100);
  assert.strictEqual((await collector.events('purchase')).length, 2);
  const [login] = await collector.events('login');
  assert.strictEqual(login.userId, 'user_123');
  const [group] = await collector.events('$group');
  assert.strictEqual(group.properties.groupId, 'company_456');
  const [page] = await collector.events('$pageview');
  assert.strictEqual(page.properties.url, 'https://example.com');
  assert.strictEqual((await collector.events('$identify')).length, 1);
});

test('page: initialization with configuration', skip, async () => {
  const client = require('./samples/configuration');
  assert.match(client.getAnonymousId(), /^anon_/);
  await client.close();
});

test('page: Stripe webhook', skipExpress, async () => {
  const { app, datalyr } = require('./samples/stripe');
  const answer = await post(app, '/webhook/stripe', { type: 'checkout.session.completed',
    data: { object: { id: 'cs_1', client_reference_id: 'stripe_user', amount_total: 4250,
      currency: 'eur' } } });
  await datalyr.close();
  assert.deepStrictEqual(answer, { status: 200, text: '{"received":true}' });
  const event = (await collector.events('purchase')).find(({ userId }) => userId === 'stripe_user');
  assert.deepStrictEqual(event.properties,
    { revenue: 42.5, currency: 'eur', order_id: 'cs_1', payment_method: 'stripe' });
});

test('page: webhook that answers first, and signup with both ids', skipExpress, async () => {
  const { app, datalyr } = require('./samples/webhook');
  assert.strictEqual((await post(app, '/webhook', { userId: 'hook_user' })).status, 200);
  assert.strictEqual((await post(app, '/api/signup', { anonymousId: 'anon_web' })).status, 200);
  await datalyr.close();
  assert.strictEqual((await collector.events('webhook_received'))[0].userId, 'hook_user');
  const both = (await collector.events('signup')).find(({ userId }) => userId === 'user_123');
  assert.strictEqual(both.anonymousId, 'anon_web');
});

test('page: order queue', skip, async () => {
  const { processOrderQueue, datalyr } = require('./samples/queue');
  await processOrderQueue();
  const events = await collector.events('order_processed');
  assert.deepStrictEqual(events.map(({ properties }) => properties.order_id).sort(),
    ['o1', 'o2', 'o3']);
  await datalyr.close();
});

test('page: Shopify webhook', skip, async () => {
  const { handleShopifyOrder, datalyr } = require('./samples/shopify');
  await handleShopifyOrder({ id: 450789469, total_price: '598.94', currency: 'USD',
    customer: { email: 'bob@example.test' },
    line_items: [{ product_id: 1, quantity: 2 }, { product_id: 2, quantity: 1 }] });
  await datalyr.close();
  const event = (await collector.events('purchase'))
    .find(({ userId }) => userId === 'bob@example.test');
  assert.deepStrictEqual(event.properties, { order_id: 450789469, revenue: 598.94,
    currency: 'USD', products: [1, 2], quantity: 3 });
});

test('page: serverless function', skip, async () => {
  const { handler } = require('./samples/lambda');
  const answer = await handler({ path: '/orders', httpMethod: 'POST',
    body: JSON.stringify({ userId: 'lambda_user' }) });
  assert.deepStrictEqual(answer, { statusCode: 200, body: '{"success":true}' });
  // Not closed, as in the sample: what counts is that flush was enough.
  const [event] = await collector.events('api_request');
  assert.deepStrictEqual(event.properties, { endpoint: '/orders', method: 'POST' });
});

test('page: bulk import delivers 20,000 of 20,000 with default settings', skip, async () => {
  const { stdout } = await run(sample('import.js'), 20000);
  assert.match(stdout, /^Importing 20000 events\.\.\.\nImport complete\n/);
  const stats = JSON.parse(stdout.trim().split('\n').pop());
  assert.strictEqual(stats.delivered, 20000);
  assert.deepStrictEqual(Object.values(stats.dropped).filter(Boolean), []);
});

test('page: SIGTERM delivers what waits, and the process ends with 0', skip, async () => {
  const child = start([sample('sigterm.js')]);
  await child.prints('ready');
  child.kill('SIGTERM');
  assert.strictEqual((await child.ended).code, 0);
  assert.strictEqual((await collector.events('before_signal')).length, 7);
});

test('page: an ES module with default and named import', skip, async () => {
  const { stdout } = await run(sample('module.mjs'));
  assert.strictEqual(stdout, 'true\n');
  assert.strictEqual((await collector.events('from_a_module')).length, 1);
});
