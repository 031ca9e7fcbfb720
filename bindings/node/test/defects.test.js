// SPDX-License-Identifier: MIT
'use strict';

// The defects of the official SDK 1.3.1 that were observed by running it, each
// shown mended: O1 to O10.
const assert = require('assert');
const { test } = require('node:test');

const { Server, until } = require('./support/server');
const { makeClient, withClient, refusal, checkLaw } = require('./support/client');

const HOLD = { default: { hold: true } };

test('O1 flush waits for what is in flight', async () => {
  await withClient({ flushAt: 1 }, async (server, { client }) => {
    await client.track('u', 'e');
    await server.sees(1);
    let isDone = false;
    const flush = client.flush().then(() => {
      isDone = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.strictEqual(isDone, false);
    server.release();
    await flush;
    assert.strictEqual(client.stats().delivered, 1);
  }, HOLD);
});

test('O2 close waits for what is in flight', async () => {
  await withClient({ flushAt: 1 }, async (server, { client }) => {
    await client.track('u', 'e');
    await server.sees(1);
    let isDone = false;
    const close = client.close().then(() => {
      isDone = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.strictEqual(isDone, false);
    server.release();
    await close;
    assert.strictEqual(client.stats().delivered, 1);
  }, HOLD);
});

test('O3 close against a hung server reports every event in flight', async () => {
  await withClient({ flushAt: 1 }, async (server, { client, drops }) => {
    for (let i = 0; i < 5; i++) {
      await client.track('u', `e${i}`);
    }
    await server.sees(5);
    await client.close({ timeout: 50 });
    assert.deepStrictEqual(drops.flatMap(({ events }) => events).map(({ event }) => event).sort(),
      ['e0', 'e1', 'e2', 'e3', 'e4']);
    assert.ok(drops.every(({ reason }) => reason === 'close_timeout'));
    checkLaw(client.stats());
  }, HOLD);
});

test('O4 maxQueueSize bounds what waits and what is in flight', async () => {
  await withClient({ maxQueueSize: 100 }, async (server, { client }) => {
    for (let i = 0; i < 350; i++) {
      client.track('u', `e${i}`);
      assert.ok(client.stats().pending <= 100);
    }
    await server.sees(10);
    for (let i = 0; i < 350; i++) {
      client.track('u', `f${i}`);
      assert.ok(client.stats().pending <= 100);
    }
    checkLaw(client.stats());
  }, HOLD);
});

test('O5 failed events keep their order', async () => {
  await withClient({ maxInFlight: 1, retryLimit: 0 }, async (server, { client }) => {
    for (const event of ['e1', 'e2', 'e3']) {
      client.track('u', event);
    }
    await client.flush();
    await client.flush();
    const later = server.events.slice(1).map(({ event }) => event);
    assert.deepStrictEqual(later.slice(-3), ['e1', 'e2', 'e3']);
  }, { answers: [{ status: 500 }, { status: 500 }, { status: 500 }] });
});

test('O6 traits do not overwrite the group, nor properties the page', async () => {
  await withClient({}, async (server, { client }) => {
    client.group('u', 'g1', { groupId: 'x', name: 'Acme' });
    client.page('u', 'Home', { name: 'x' });
    client.alias('u', 'old');
    client.track({ userId: 'u', anonymousId: 'a1', event: 'e', properties: { anonymous_id: 'x' } });
    await client.flush();
    const by = (name) => server.events.find(({ event }) => event === name).properties;
    assert.strictEqual(by('$group').groupId, 'g1');
    assert.strictEqual(by('$pageview').name, 'Home');
    assert.strictEqual(by('e').anonymous_id, 'a1');
  });
});

test('O7 NaN is not silent, and a BigInt is refused at the call by its name', async () => {
  await withClient({}, async (server, { client, lines }) => {
    client.track('u', 'e', { price: NaN });
    assert.match(lines[0].message, /properties\.price is NaN/);
    const error = await refusal(client.track('u', 'e', { order: { total: 5n } }));
    assert.match(error.message, /^properties\.order\.total is a BigInt/);
    const loop = { a: [{}] };
    loop.a[0].back = loop;
    const cycle = await refusal(client.identify('u', { loop }));
    assert.match(cycle.message, /^traits\.loop\.a\[0\]\.back refers back/);
    await client.flush();
    assert.strictEqual(server.requests.length, 1);
  });
});

test('O8 a server that takes batches gets them', async () => {
  await withClient({}, async (server, { client }) => {
    for (let i = 0; i < 100; i++) {
      client.track('u', `e${i}`);
    }
    await client.flush();
    assert.strictEqual(server.events.length, 100);
    assert.ok(server.requests.length < 20, `${server.requests.length} requests`);
    assert.ok(server.requests.some(({ headers }) => Number(headers['x-batch-size']) > 1));
  }, { default: { status: 200, headers: { 'X-Datalyr-Batch': '100' } } });
});

test('O9 eventId and timestamp work on identify, group, page and alias', async () => {
  await withClient({}, async (server, { client }) => {
    const options = { timestamp: '2026-03-04T05:06:07Z' };
    client.identify('u', {}, { ...options, eventId: 'id_1' });
    client.group('u', 'g', {}, { ...options, eventId: 'id_2' });
    client.page('u', 'p', {}, { ...options, eventId: 'id_3' });
    client.alias('u', 'v', { ...options, eventId: 'id_4' });
    await client.flush();
    assert.deepStrictEqual(server.events.map(({ eventId }) => eventId).sort(),
      ['id_1', 'id_2', 'id_3', 'id_4']);
    assert.ok(server.events.every(({ timestamp }) => timestamp === '2026-03-04T05:06:07.000Z'));
  });
});

test('O10 Retry-After is kept', async () => {
  await withClient({}, async (server, { client, attempts }) => {
    client.track('u', 'e');
    client.flush();
    await until(() => attempts.length > 0, 'the attempt');
    assert.strictEqual(attempts[0].error.retryInMs, 7000);
    await client.close({ timeout: 0 });
  }, { default: { status: 429, headers: { 'Retry-After': '7' } } });
});

test('O10 bodies are compressed where the server takes it', async () => {
  const server = await Server.start({ default: { status: 200,
    headers: { 'X-Datalyr-Batch': '100', 'Accept-Encoding': 'gzip' } } });
  const { client } = makeClient(server);
  for (let i = 0; i < 100; i++) {
    client.track('u', 'e', { text: 'the same again and again' });
  }
  await client.close();
  assert.ok(server.requests.some(({ headers }) => headers['content-encoding'] === 'gzip'));
  assert.ok(client.stats().sentBytes < client.stats().bodyBytes / 2);
  await server.stop();
});

test('O10 there are a success hook and counters', async () => {
  await withClient({}, async (server, { client, delivered }) => {
    for (let i = 0; i < 30; i++) {
      client.track({ userId: 'u', event: 'e', eventId: `evt_${i}` });
    }
    await client.flush();
    await until(() => delivered.length === 30, 'onDelivered');
    assert.strictEqual(new Set(delivered.map(({ eventId }) => eventId)).size, 30);
    const stats = client.stats();
    checkLaw(stats);
    assert.strictEqual(stats.delivered, 30);
    assert.ok(stats.latencyP50Ms > 0);
  });
});
