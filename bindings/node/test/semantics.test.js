// SPDX-License-Identifier: MIT
'use strict';

// The semantics of the vendor's SDK 1.3.1, each named by the section of the
// protocol notes that has it (2.1 construction … 2.7 page against SDK).
const assert = require('assert');
const { test } = require('node:test');

const Datalyr = require('@datalyr/api');
const { readOptions } = require('../lib/settings');
const { Server, until } = require('./support/server');
const { makeClient, withClient, refusal, checkLaw } = require('./support/client');

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What the one event of a call looks like on the wire. */
async function sent(call, options) {
  let event;
  await withClient(options, async (server, { client }) => {
    await call(client);
    await client.flush();
    assert.strictEqual(server.events.length, 1);
    [event] = server.events;
  });
  return event;
}

/** The setting's text that an option becomes; undefined for the default. */
function setting(option, value, name) {
  const { texts } = readOptions({ apiKey: 'dk_x', [option]: value });
  const at = texts.indexOf(name);
  return at < 0 ? undefined : texts[at + 1];
}

// ------------------------------------------------------------ 2.1 construction

test('2.1 the argument is a key', async () => {
  const client = new Datalyr('dk_only_a_key');
  assert.match(client.getAnonymousId(), /^anon_/);
  await client.close();
});

test('2.1 the argument is an options object', async () => {
  const client = new Datalyr({ apiKey: 'dk_only_a_key' });
  await client.close();
});

for (const [what, argument] of [['no argument', []], ['an empty key', ['']],
  ['options without a key', [{}]], ['options with an empty key', [{ apiKey: '' }]],
  ['null', [null]]]) {
  test(`2.1 ${what} throws "Datalyr API key is required"`, () => {
    assert.throws(() => new Datalyr(...argument), { message: 'Datalyr API key is required' });
  });
}

for (const value of [5, true, {}]) {
  test(`2.1 a key that is a ${typeof value} throws a TypeError`, () => {
    assert.throws(() => new Datalyr({ apiKey: value }), TypeError);
  });
}

test('2.1 a key that does not start with dk_ only warns', async () => {
  const lines = [];
  const client = new Datalyr({ apiKey: 'sk_odd', host: 'http://127.0.0.1:9/track',
    onLog: (level, message) => lines.push({ level, message }) });
  await until(() => lines.length > 0, 'the warning');
  await client.close();
  assert.strictEqual(lines[0].level, 'warn');
  assert.match(lines[0].message, /apiKey does not start with dk_/);
});

test('2.1 an empty host is the default', () => {
  assert.deepStrictEqual(readOptions({ apiKey: 'dk_x', host: '' }).texts,
    ['api_key', 'dk_x', 'host', '']);
});

const CLAMPS = [
  ['flushAt', 'flush_at', [[1, '1'], [100, '100'], [101, '100'], [0, undefined],
    [NaN, undefined], [-5, '1'], [50, '50']]],
  ['flushInterval', 'flush_interval_ms', [[1000, '1000'], [999, undefined], [NaN, undefined],
    [-1, undefined], [3600001, '3600000'], [5000, '5000']]],
  ['timeout', 'timeout_ms', [[1000, '1000'], [500, '1000'], [60001, '60000'], [0, undefined]]],
  ['retryLimit', 'retry_limit', [[0, '0'], [10, '10'], [11, '10'], [-1, undefined],
    [NaN, undefined], [null, undefined], [1.5, '2']]],
  ['maxQueueSize', 'max_queue_size', [[100, '100'], [99, '100'], [10001, '10000'],
    [0, undefined]]],
  ['closeTimeout', 'close_timeout_ms', [[1000, '1000'], [999, undefined], [120001, '120000']]],
];

for (const [option, name, values] of CLAMPS) {
  for (const [value, expected] of values) {
    test(`2.1 ${option} ${value} is ${expected ?? 'the default'}`, () => {
      assert.strictEqual(setting(option, value, name), expected);
    });
  }
}

test('2.1 each bent option draws one warning, and no other does', () => {
  const { warnings } = readOptions({ apiKey: 'dk_x', flushAt: 500, flushInterval: 10,
    retryLimit: 3, maxQueueSize: undefined, timeout: null });
  assert.strictEqual(warnings.length, 2);
  assert.match(warnings[0], /^flushAt is 500; it takes 1 to 100: using 100$/);
  assert.match(warnings[1], /^flushInterval is 10; .*using the default$/);
});

test('2.1 hooks that are no functions are ignored', async () => {
  await withClient({ onDrop: 'no', onError: 5, onDelivered: null }, async (server, { client }) => {
    await client.track({ userId: 'u', event: 'e' });
    await client.flush();
    assert.strictEqual(server.events.length, 1);
  });
});

test('2.1 package exports: named and default, and the module itself', () => {
  assert.strictEqual(typeof Datalyr, 'function');
  assert.strictEqual(Datalyr.Datalyr, Datalyr);
  assert.strictEqual(Datalyr.default, Datalyr);
});

test('2.1 an ES module has the same default and names', async () => {
  const module = await import('@datalyr/api');
  assert.strictEqual(module.default, Datalyr);
  assert.strictEqual(module.Datalyr, Datalyr);
  assert.strictEqual(module.DatalyrError, Datalyr.DatalyrError);
});

// ------------------------------------------------------------------- 2.2 calls

test('2.2 track({…}) sends what is given', async () => {
  const event = await sent((client) => client.track({
    userId: 'user_123', anonymousId: 'anon_abc', event: 'login', properties: { method: 'email' },
    eventId: 'evt_1', timestamp: '2026-03-04T05:06:07.089Z' }));
  assert.deepStrictEqual(event, {
    userId: 'user_123', anonymousId: 'anon_abc', eventId: 'evt_1', event: 'login',
    properties: { method: 'email', anonymous_id: 'anon_abc' },
    context: { library: 'libdatalyr', version: require('../package.json').version,
      source: 'api', schema_version: 1 },
    timestamp: '2026-03-04T05:06:07.089Z' });
});

test('2.2 track(userId, event, properties) sends what is given', async () => {
  const event = await sent((client) => client.track('u', 'e', { a: 1 }));
  assert.strictEqual(event.userId, 'u');
  assert.strictEqual(event.event, 'e');
  assert.deepStrictEqual(event.properties, { a: 1 });
});

test('2.2 track(null, event) gets an anonymous id of its own and one warning', async () => {
  await withClient({}, async (server, { client, lines }) => {
    await client.track(null, 'a');
    await client.track(null, 'b');
    await client.flush();
    const ids = server.events.map((event) => event.anonymousId);
    assert.match(ids[0], /^anon_[0-9a-f-]{36}$/);
    assert.notStrictEqual(ids[0], ids[1]);
    assert.ok(!ids.includes(client.getAnonymousId()));
    assert.strictEqual(lines.filter(({ level }) => level === 'warn').length, 1);
  });
});

for (const [what, event] of [['missing', undefined], ['empty', ''], ['a number', 5],
  ['null', null], ['an object', {}]]) {
  test(`2.2 an event name that is ${what} is a validation_error`, async () => {
    await withClient({}, async (server, { client, drops }) => {
      const error = await refusal(client.track({ userId: 'u', event }));
      assert.ok(error instanceof Datalyr.DatalyrError);
      assert.strictEqual(error.reason, 'validation_error');
      assert.match(error.message, /^event is /);
      assert.strictEqual(drops[0].reason, 'validation_error');
      await client.flush();
      assert.strictEqual(server.events.length, 0);
    });
  });
}

test('2.2 a blank event name is accepted', async () => {
  assert.strictEqual((await sent((client) => client.track('u', '  '))).event, '  ');
});

test('2.2 identify(userId, traits, anonymousId) is flat', async () => {
  const event = await sent((client) => client.identify('u', { plan: 'pro' }, 'anon_1'));
  assert.strictEqual(event.event, '$identify');
  assert.strictEqual(event.anonymousId, 'anon_1');
  assert.deepStrictEqual(event.properties, { plan: 'pro', anonymous_id: 'anon_1' });
});

for (const userId of [undefined, null, '', 0]) {
  test(`2.2 identify with the user ${JSON.stringify(userId)} is a validation_error`, async () => {
    await withClient({}, async (_, { client, drops }) => {
      assert.match((await refusal(client.identify(userId, {}))).message, /^userId is missing/);
      assert.strictEqual(drops[0].reason, 'validation_error');
      assert.strictEqual(drops[0].events[0].event, '$identify');
    });
  });
}

test('2.2 alias(new, previous) has both spellings', async () => {
  const event = await sent((client) => client.alias('new', 'old'));
  assert.strictEqual(event.event, '$alias');
  assert.deepStrictEqual(event.properties,
    { new_user_id: 'new', previous_id: 'old', userId: 'new', previousId: 'old' });
});

test('2.2 alias without a previous id takes the anonymous id', async () => {
  const event = await sent((client) => client.alias('new', undefined, 'anon_1'));
  assert.strictEqual(event.properties.previousId, 'anon_1');
});

test('2.2 alias without a new user is a validation_error', async () => {
  await withClient({}, async (_, { client }) => {
    assert.strictEqual((await refusal(client.alias('', 'old'))).reason, 'validation_error');
  });
});

test('2.2 page(userId, name, properties): the name is the url where there is none', async () => {
  const event = await sent((client) => client.page('u', 'Landing Page'));
  assert.strictEqual(event.event, '$pageview');
  assert.deepStrictEqual(event.properties, { name: 'Landing Page', url: 'Landing Page' });
});

test('2.2 page keeps a url that is given', async () => {
  const event = await sent((client) => client.page('u', 'Landing Page',
    { url: 'https://example.com', referrer: 'https://google.com' }));
  assert.deepStrictEqual(event.properties,
    { name: 'Landing Page', url: 'https://example.com', referrer: 'https://google.com' });
});

test('2.2 group(userId, groupId, traits) has the group first', async () => {
  const event = await sent((client) => client.group('u', 'g', { name: 'Acme', employees: 500 }));
  assert.strictEqual(event.event, '$group');
  assert.strictEqual(JSON.stringify(event.properties),
    '{"groupId":"g","name":"Acme","employees":500}');
});

test('2.2 group without a group is a validation_error', async () => {
  await withClient({}, async (_, { client }) => {
    assert.match((await refusal(client.group('u', ''))).message, /^groupId is missing/);
  });
});

test('2.2 trackPurchase: value, upper-case currency and the rest', async () => {
  const event = await sent((client) => client.trackPurchase('u',
    { value: 42.5, currency: 'eur', order_id: 'A-1009' }));
  assert.strictEqual(event.event, 'purchase');
  assert.deepStrictEqual(event.properties, { order_id: 'A-1009', value: 42.5, currency: 'EUR' });
});

test('2.2 trackPurchase: the currency defaults to USD', async () => {
  const event = await sent((client) => client.trackPurchase('u', { value: 1 }));
  assert.strictEqual(event.properties.currency, 'USD');
});

test('2.2 trackPurchase takes anonymousId, eventId and timestamp', async () => {
  const event = await sent((client) => client.trackPurchase(null, { value: 1 },
    { anonymousId: 'anon_1', eventId: 'evt_9', timestamp: 1772600767 }));
  assert.strictEqual(event.anonymousId, 'anon_1');
  assert.strictEqual(event.eventId, 'evt_9');
  assert.strictEqual(event.timestamp, '2026-03-04T05:06:07.000Z');
});

for (const value of [0, -5.5]) {
  test(`2.2 trackPurchase: ${value} passes`, async () => {
    const event = await sent((client) => client.trackPurchase('u', { value }));
    assert.strictEqual(event.properties.value, value);
  });
}

for (const value of [NaN, Infinity, '5', undefined, null]) {
  test(`2.2 trackPurchase: a value of ${JSON.stringify(value) ?? value} (${typeof value}) is a ` +
      'validation_error', async () => {
    await withClient({}, async (_, { client, drops }) => {
      assert.match((await refusal(client.trackPurchase('u', { value }))).message, /^value is /);
      assert.strictEqual(drops[0].reason, 'validation_error');
    });
  });
}

test('2.2 trackPurchase: a currency that is no string is a validation_error', async () => {
  await withClient({}, async (_, { client }) => {
    const error = await refusal(client.trackPurchase('u', { value: 1, currency: 5 }));
    assert.strictEqual(error.reason, 'validation_error');
  });
});

test('2.2 trackPurchase without a purchase is a validation_error', async () => {
  await withClient({}, async (_, { client }) => {
    assert.strictEqual((await refusal(client.trackPurchase('u'))).reason, 'validation_error');
  });
});

test('2.2 a number as a user id is sent as text', async () => {
  assert.strictEqual((await sent((client) => client.track({ userId: 42, event: 'e' }))).userId,
    '42');
});

test('2.2 a falsy user id is none', async () => {
  const event = await sent((client) => client.track({ userId: 0, anonymousId: 'a', event: 'e' }));
  assert.ok(!('userId' in event));
});

test('2.2 a user id that is an object is refused by name', async () => {
  await withClient({}, async (_, { client }) => {
    const error = await refusal(client.track({ userId: { id: 1 }, event: 'e' }));
    assert.strictEqual(error.message, 'userId must be a string, not a object');
  });
});

test('2.2 order of checks: the name first, then closed', async () => {
  await withClient({}, async (_, { client }) => {
    await client.close();
    assert.strictEqual((await refusal(client.track({ userId: 'u' }))).reason, 'validation_error');
    assert.strictEqual((await refusal(client.track({ userId: 'u', event: 'e' }))).reason,
      'closed');
  });
});

test('2.2 promises resolve on enqueue, also while the server is silent', async () => {
  await withClient({ flushAt: 1 }, async (server, { client }) => {
    await client.track({ userId: 'u', event: 'e' });
    await server.sees(1);
    assert.strictEqual(client.stats().delivered, 0);
  }, { default: { hold: true } });
});

test('2.2 properties are what JSON.stringify makes of them', async () => {
  class Money {
    toJSON() {
      return '12 EUR';
    }
  }
  const event = await sent((client) => client.track('u', 'e', {
    undefined, function() {}, symbol: Symbol('s'), date: new Date(0), money: new Money(),
    list: [undefined, () => 0, 1], nested: { deep: { list: [[]] } }, text: 'é✓😀\u0000' }));
  assert.deepStrictEqual(event.properties, {
    date: '1970-01-01T00:00:00.000Z', money: '12 EUR', list: [null, null, 1],
    nested: { deep: { list: [[]] } }, text: 'é✓😀\u0000' });
});

test('2.2 properties are taken at the call, not when they are sent', async () => {
  const event = await sent(async (client) => {
    const properties = { nested: { n: 1 } };
    const promise = client.track('u', 'e', properties);
    properties.nested.n = 2;
    await promise;
  });
  assert.strictEqual(event.properties.nested.n, 1);
});

test('2.2 NaN and Infinity become null, with one warning that names the first', async () => {
  await withClient({}, async (server, { client, lines }) => {
    await client.track('u', 'e', { ok: null, cart: [{ price: NaN }], b: Infinity });
    await client.track('u', 'e', { b: -Infinity });
    await client.flush();
    assert.deepStrictEqual(server.events.find((event) => 'cart' in event.properties).properties,
      { ok: null, cart: [{ price: null }], b: null });
    const warnings = lines.filter(({ level }) => level === 'warn');
    assert.deepStrictEqual(warnings.map(({ message }) => message),
      ['properties.cart[0].price is NaN: sent as null']);
  });
});

test('2.2 half a surrogate pair is sent as U+FFFD', async () => {
  const event = await sent((client) => client.track('u', 'cut \ud83d',
    { a: 'x\ud83d', b: '\\ud83d', c: '😀' }));
  assert.strictEqual(event.event, 'cut \ufffd');
  assert.deepStrictEqual(event.properties, { a: 'x\ufffd', b: '\\ud83d', c: '😀' });
});

for (const [what, properties] of [['a list', [1]], ['a text', 'x'], ['a number', 5],
  ['a function', () => 0], ['a date', new Date()]]) {
  test(`2.2 properties that are ${what} are refused`, async () => {
    await withClient({}, async (_, { client }) => {
      assert.match((await refusal(client.track('u', 'e', properties))).message,
        /^properties must be an object/);
    });
  });
}

// -------------------------------------------------- 2.3 event id and timestamp

test('2.3 an event id is used verbatim, not trimmed', async () => {
  assert.strictEqual((await sent((client) => client.track(
    { userId: 'u', event: 'e', eventId: '  evt 1 ' }))).eventId, '  evt 1 ');
});

for (const eventId of ['   ', '', undefined, null, 5]) {
  test(`2.3 an event id of ${JSON.stringify(eventId)} is replaced by a UUID`, async () => {
    assert.match((await sent((client) => client.track(
      { userId: 'u', event: 'e', eventId }))).eventId, UUID);
  });
}

test('2.3 an event id above 256 units collapses to 191 units and a SHA-256', async () => {
  const eventId = 'é'.repeat(300);
  const hash = require('crypto').createHash('sha256').update(eventId).digest('hex');
  assert.strictEqual((await sent((client) => client.track(
    { userId: 'u', event: 'e', eventId }))).eventId, `${'é'.repeat(191)}-${hash}`);
});

const TIMES = [
  [new Date(1772600767089), '2026-03-04T05:06:07.089Z'],
  [new Date(5), '1970-01-01T00:00:00.005Z'],
  [new Date(0), '1970-01-01T00:00:00.000Z'],
  [1772600767, '2026-03-04T05:06:07.000Z'],
  [1772600767.089, '2026-03-04T05:06:07.089Z'],
  [1772600767089, '2026-03-04T05:06:07.089Z'],
  [0, '1970-01-01T00:00:00.000Z'],
  [-1, '1969-12-31T23:59:59.000Z'],
  ['2026-03-04', '2026-03-04T00:00:00.000Z'],
  ['2026-03-04T10:36:07.089+0530', '2026-03-04T05:06:07.089Z'],
  ['2026-03-04T05:06:07', new Date(2026, 2, 4, 5, 6, 7).toISOString()],
  ['Wed, 04 Mar 2026 05:06:07 GMT', '2026-03-04T05:06:07.000Z'],
];

for (const [timestamp, expected] of TIMES) {
  const shown = timestamp instanceof Date ? `Date(${timestamp.getTime()})`
    : JSON.stringify(timestamp);
  test(`2.3 the timestamp ${shown} is sent in UTC`, async () => {
    assert.strictEqual((await sent((client) => client.track(
      { userId: 'u', event: 'e', timestamp }))).timestamp, expected);
  });
}

for (const timestamp of ['1751373296', 'yesterday', '2026-02-30', '', NaN, new Date(NaN), {}]) {
  test(`2.3 the timestamp ${String(timestamp) || '""'} (${typeof timestamp}) is refused`,
    async () => {
      await withClient({}, async (_, { client }) => {
        const error = await refusal(client.track({ userId: 'u', event: 'e', timestamp }));
        assert.match(error.message, /^timestamp is /);
      });
    });
}

test('2.3 without a timestamp it is now', async () => {
  const before = Date.now();
  const event = await sent((client) => client.track('u', 'e'));
  const time = Date.parse(event.timestamp);
  assert.ok(time >= before - 1 && time <= Date.now() + 1);
});

// ------------------------------------------------------- 2.4 queue and sending

test('2.4 flushAt events are sent without a flush', async () => {
  await withClient({ flushAt: 3 }, async (server, { client }) => {
    for (let i = 0; i < 3; i++) {
      client.track('u', 'e');
    }
    await server.sees(3);
  });
});

test('2.4 flushInterval sends what waits', async () => {
  await withClient({ flushInterval: 1000 }, async (server, { client }) => {
    client.track('u', 'e');
    await server.sees(1);
  });
});

test('2.4 at most ten requests are in flight', async () => {
  await withClient({ flushAt: 1 }, async (server, { client }) => {
    for (let i = 0; i < 50; i++) {
      client.track('u', 'e');
    }
    await client.flush();
    assert.strictEqual(server.events.length, 50);
    assert.ok(server.mostInFlight <= 10);
  }, { default: { delay: 5 } });
});

test('2.4 a full queue evicts the oldest with one warning', async () => {
  await withClient({ maxQueueSize: 100, flushAt: 100 }, async (server, { client, drops, lines }) => {
    for (let i = 0; i < 350; i++) {
      client.track('u', `e${i}`);
    }
    const stats = client.stats();
    checkLaw(stats);
    assert.ok(stats.pending <= 100);
    assert.ok(stats.dropped.queue_overflow >= 250);
    await until(() => drops.reduce((sum, { count }) => sum + count, 0) ===
      client.stats().dropped.queue_overflow, 'the drops');
    assert.ok(drops.every(({ reason }) => reason === 'queue_overflow'));
    assert.strictEqual(lines.filter(({ message }) => /queue is full/.test(message)).length, 1);
    assert.match(lines.find(({ message }) => /queue is full/.test(message)).message,
      /raise maxQueueSize/);
  }, { default: { hold: true } });
});

test('2.4 a 500 is retried up to retryLimit, with a pause of half a second or more', async () => {
  await withClient({ retryLimit: 1 }, async (server, { client, attempts }) => {
    client.track('u', 'e');
    await client.flush();
    assert.strictEqual(server.requests.length, 2);
    assert.strictEqual(attempts.length, 1);
    assert.ok(attempts[0].error.retryInMs >= 500 && attempts[0].error.retryInMs <= 1000);
    assert.strictEqual(client.stats().delivered, 1);
  }, { answers: [{ status: 500 }] });
});

test('2.4 onError(event, error) comes once per event when its attempts are over', async () => {
  await withClient({ retryLimit: 1, flushAt: 1 }, async (server, { client, errors, attempts }) => {
    client.track({ userId: 'u', event: 'e', eventId: 'evt_1' });
    await until(() => errors.length > 0, 'onError');
    assert.strictEqual(errors.length, 1);
    assert.strictEqual(attempts.length, 2);
    assert.strictEqual(errors[0].event.eventId, 'evt_1');
    assert.strictEqual(errors[0].error.httpStatus, 500);
    assert.ok(errors[0].error instanceof Datalyr.DatalyrError);
  }, { answers: [{ status: 500 }, { status: 500 }] });
});

test('2.4 a 400 is not retried and dropped as permanent_client_error', async () => {
  await withClient({}, async (server, { client, errors, drops }) => {
    client.track({ userId: 'u', event: 'bad', properties: { a: 1 } });
    await client.flush();
    assert.strictEqual(server.requests.length, 1);
    await until(() => drops.length > 0 && errors.length > 0, 'the hooks');
    assert.strictEqual(drops[0].reason, 'permanent_client_error');
    assert.deepStrictEqual(drops[0].events[0].properties, { a: 1 });
    assert.strictEqual(errors[0].error.httpStatus, 400);
  }, { answers: [{ status: 400 }] });
});

test('2.4 a 401 logs one error for the client', async () => {
  await withClient({}, async (server, { client, lines }) => {
    client.track('u', 'a');
    await client.flush();
    client.track('u', 'b');
    await client.flush();
    const errors = lines.filter(({ level }) => level === 'error');
    assert.strictEqual(errors.length, 1);
    assert.match(errors[0].message, /check apiKey and host/);
  }, { default: { status: 401 } });
});

// -------------------------------------------------------- 2.5 flush and close

test('2.5 flush resolves with nothing', async () => {
  await withClient({}, async (_, { client }) => {
    client.track('u', 'e');
    assert.strictEqual(await client.flush(), undefined);
  });
});

test('2.5 flush of an empty queue resolves at once', async () => {
  await withClient({}, async (_, { client }) => {
    await client.flush();
  });
});

test('2.5 flush({timeout}) ends at its time', async () => {
  await withClient({}, async (server, { client }) => {
    client.track('u', 'e');
    await client.flush({ timeout: 50 });
    assert.strictEqual(client.stats().pending, 1);
  }, { default: { hold: true } });
});

test('2.5 flush({timeout: 0}) only asks', async () => {
  await withClient({}, async (server, { client }) => {
    client.track('u', 'e');
    await client.flush({ timeout: 0 });
    await server.sees(1);
  }, { default: { hold: true } });
});

test('2.5 many flushes at a time all cover what was accepted before them', async () => {
  await withClient({}, async (server, { client }) => {
    const promises = [];
    for (let i = 0; i < 100; i++) {
      client.track('u', `e${i}`);
      const count = i + 1;
      promises.push(client.flush().then(() => client.stats().delivered >= count));
    }
    assert.ok((await Promise.all(promises)).every(Boolean));
  }, { default: { delay: 2 } });
});

test('2.5 close delivers what waits, and a second close is the same', async () => {
  await withClient({}, async (server, { client }) => {
    client.track('u', 'e');
    const first = client.close();
    assert.strictEqual(client.close(), first);
    await first;
    await client.close();
    assert.strictEqual(server.events.length, 1);
    assert.strictEqual(client.stats().delivered, 1);
  });
});

test('2.5 close hands what is left to onDrop as close_timeout, with a warning', async () => {
  await withClient({}, async (server, { client, drops, lines }) => {
    client.track({ userId: 'u', event: 'a', properties: { n: 1 } });
    client.track('u', 'b');
    await client.close({ timeout: 50 });
    assert.strictEqual(drops.reduce((sum, { count }) => sum + count, 0), 2);
    assert.ok(drops.every(({ reason }) => reason === 'close_timeout'));
    assert.deepStrictEqual(drops.flatMap(({ events }) => events).map(({ event }) => event),
      ['a', 'b']);
    assert.ok(lines.some(({ level, message }) => level === 'warn' && /2 events/.test(message)));
    checkLaw(client.stats());
  }, { default: { hold: true } });
});

test('2.5 calls after close are refused as closed, with one error line', async () => {
  await withClient({}, async (server, { client, drops, lines }) => {
    await client.close();
    for (const call of [() => client.track('u', 'e', { a: 1 }), () => client.identify('u'),
      () => client.group('u', 'g'), () => client.page('u', 'p'), () => client.alias('u', 'v'),
      () => client.trackPurchase('u', { value: 1 })]) {
      const error = await refusal(call());
      assert.strictEqual(error.code, 'CLOSED');
    }
    assert.strictEqual(drops.filter(({ reason }) => reason === 'closed').length, 6);
    assert.strictEqual(lines.filter(({ level }) => level === 'error').length, 1);
    assert.strictEqual(client.stats().refused.closed, 6);
    checkLaw(client.stats());
    await client.flush();
  });
});

// ------------------------------------------------------ 2.6 reasons and hooks

test('2.6 a refused event reaches onDrop as the caller gave it', async () => {
  await withClient({}, async (_, { client, drops }) => {
    const loop = {};
    loop.loop = loop;
    await refusal(client.track({ userId: 'u', event: 'e', eventId: 'evt_1', properties: { loop } }));
    assert.strictEqual(drops[0].events[0].eventId, 'evt_1');
    assert.strictEqual(drops[0].events[0].properties.loop, loop);
  });
});

test('2.6 what hooks throw is swallowed, and said once', async () => {
  const lines = [];
  await withClient({
    onDelivered: () => {
      throw new Error('mine');
    },
    onDrop: () => Promise.reject(new Error('also mine')),
    onLog: (level, message) => lines.push(message),
  }, async (server, { client }) => {
    await client.track('u', 'a');
    await client.flush();
    await client.track('u', 'b');
    await client.flush();
    await refusal(client.track('u'));
    await until(() => lines.some((line) => /onDelivered hook failed: mine/.test(line)) &&
      lines.some((line) => /onDrop hook failed: also mine/.test(line)), 'the lines');
    assert.strictEqual(lines.filter((line) => /onDelivered hook/.test(line)).length, 1);
  });
});

test('2.6 a hook may track, flush and close', async () => {
  const server = await Server.start();
  let closed;
  const kept = makeClient(server, {
    onDelivered: (events) => {
      if (events[0].event === 'first') {
        kept.client.track('u', 'second');
        kept.client.flush().then(() => {
          closed = kept.client.close();
        });
      }
    },
  });
  kept.client.track('u', 'first');
  await kept.client.flush();
  await until(() => closed, 'the hook');
  await closed;
  assert.deepStrictEqual(server.events.map(({ event }) => event), ['first', 'second']);
  await server.stop();
});

test('2.6 an onDrop that tracks a bad event does not call itself for ever', async () => {
  let calls = 0;
  await withClient({
    onDrop() {
      calls++;
      this.client?.track('u');
    },
  }, async (_, { client }) => {
    await refusal(client.track('u'));
    assert.strictEqual(calls, 1);
  });
});

test('2.6 debug lines go through the console in the form of the page', async () => {
  const server = await Server.start();
  const lines = [];
  const { log } = console;
  console.log = (line) => lines.push(line);
  try {
    const client = new Datalyr({ apiKey: 'dk_x', host: server.url, debug: true });
    await client.track('u', 'purchase');
    await client.close();
  } finally {
    console.log = log;
  }
  await server.stop();
  assert.deepStrictEqual(lines, ['[Datalyr] Event queued: purchase',
    '[Datalyr] Flushing 1 events', '[Datalyr] Event sent successfully']);
});

test('2.6 without debug nothing is printed', async () => {
  await withClient({}, async (_, { client, lines }) => {
    await client.track('u', 'purchase');
    await client.flush();
    assert.deepStrictEqual(lines, []);
  });
});

test('2.6 event names in lines have their control characters escaped', async () => {
  await withClient({ debug: true }, async (_, { client, lines }) => {
    await client.track('u', 'a\u001b[31m\u202eb');
    assert.strictEqual(lines[0].message, 'Event queued: a\\u001b[31m\\u202eb');
  });
});

test('2.6 stats has every drop reason', async () => {
  await withClient({}, async (_, { client }) => {
    assert.deepStrictEqual(Object.keys(client.stats().dropped), ['queue_overflow',
      'permanent_client_error', 'rejected_by_server', 'max_flush_attempts', 'close_timeout',
      'before_send', 'journal_expired', 'journal_corrupt']);
  });
});

// ----------------------------------------------------- 2.7 the page against it

test('2.7.2 getAnonymousId is the same for the life of a client', async () => {
  await withClient({}, async (server, { client }) => {
    assert.match(client.getAnonymousId(), /^anon_[0-9a-f-]{36}$/);
    assert.strictEqual(client.getAnonymousId(), client.getAnonymousId());
    const other = makeClient(server);
    assert.notStrictEqual(other.client.getAnonymousId(), client.getAnonymousId());
    await other.client.close();
    assert.match(client.getAnonymousId(), /^anon_/);
  });
});

test('2.7.3 neither userId nor anonymousId is refused', async () => {
  await withClient({}, async (_, { client }) => {
    assert.match((await refusal(client.track({ event: 'e' }))).message,
      /^userId and anonymousId are both missing/);
  });
});

test('2.7.7 anonymousId, eventId, timestamp and sessionId work on every call', async () => {
  const options = { anonymousId: 'anon_1', eventId: 'evt_1', timestamp: 1772600767,
    sessionId: 'sess_1' };
  for (const call of [(client) => client.identify('u', {}, options),
    (client) => client.group('u', 'g', {}, options), (client) => client.page('u', 'p', {}, options),
    (client) => client.alias('u', 'v', options),
    (client) => client.trackPurchase('u', { value: 1 }, options),
    (client) => client.track({ userId: 'u', event: 'e', ...options })]) {
    const event = await sent(call);
    assert.strictEqual(event.anonymousId, 'anon_1');
    assert.strictEqual(event.eventId, 'evt_1');
    assert.strictEqual(event.timestamp, '2026-03-04T05:06:07.000Z');
    assert.strictEqual(event.context.session_id, 'sess_1');
  }
});

test('2.7.9 page without a user is refused', async () => {
  await withClient({}, async (_, { client }) => {
    assert.match((await refusal(client.page(undefined, 'Home'))).message, /userId/);
  });
});

test('2.7.12 408 and 429 are retried', async () => {
  await withClient({}, async (server, { client }) => {
    client.track('u', 'e');
    await client.flush();
    assert.strictEqual(client.stats().delivered, 1);
    assert.strictEqual(server.requests.length, 3);
  }, { answers: [{ status: 408 }, { status: 429 }] });
});

test('2.7.13 try and catch around track show what was refused', async () => {
  await withClient({}, async (_, { client }) => {
    let message = '';
    try {
      await client.track({ userId: 'user_123', event: '', properties: { revenue: 99.99 } });
    } catch (error) {
      message = error.message;
    }
    assert.match(message, /^event is ""/);
  });
});

// ------------------------------------------------------------------ our own

test('all settings of the library are options in camelCase', () => {
  const native = require('../lib/native');
  const { camel } = require('../lib/text');
  for (const { name, isSwitch } of native.settings()) {
    const { warnings, texts } = readOptions({ apiKey: 'dk_x',
      [camel(name)]: name === 'overflow' ? 'refuse' : isSwitch ? true : '100' });
    assert.ok(warnings.every((warning) => !/no option/.test(warning)), warnings[0]);
    assert.ok(texts.includes(name), name);
  }
});

test('the types know every setting of the library', () => {
  const native = require('../lib/native');
  const { camel } = require('../lib/text');
  const types = require('fs').readFileSync(require.resolve('../index.d.ts'), 'utf8');
  for (const { name } of native.settings()) {
    assert.match(types, new RegExp(`^    ${camel(name)}\\??:`, 'm'));
  }
});

test('an option that does not exist draws a warning', () => {
  assert.match(readOptions({ apiKey: 'dk_x', flushat: 5 }).warnings[0], /no option "flushat"/);
});

test('a setting out of range is refused by its name in camelCase', () => {
  assert.throws(() => new Datalyr({ apiKey: 'dk_x', maxInFlight: 0 }),
    { name: 'DatalyrError', code: 'INVALID', message: /^maxInFlight is "0"; it takes 1 to 1000/ });
});

test('overflow "block" is refused: it would block the event loop', () => {
  assert.throws(() => new Datalyr({ apiKey: 'dk_x', overflow: 'block' }), /event loop/);
});

test('the environment is asked where an option is missing', async () => {
  process.env.DATALYR_API_KEY = 'dk_from_environment';
  process.env.DATALYR_HOST = 'http://127.0.0.1:9/track';
  try {
    const client = new Datalyr();
    await client.close();
  } finally {
    delete process.env.DATALYR_API_KEY;
    delete process.env.DATALYR_HOST;
  }
});

test('defaultProperties are added where an event lacks them', async () => {
  const event = await sent((client) => client.track('u', 'e', { a: 1 }),
    { defaultProperties: { a: 0, service: 'shop' } });
  assert.deepStrictEqual(event.properties, { a: 1, service: 'shop' });
});

test('enabled: false checks calls and sends nothing', async () => {
  await withClient({ enabled: false }, async (server, { client }) => {
    await client.track('u', 'e');
    await refusal(client.track('u'));
    await client.flush();
    assert.strictEqual(server.requests.length, 0);
    assert.strictEqual(client.stats().refused.disabled, 1);
    checkLaw(client.stats());
  });
});

test('an event above maxEventBytes is refused as too_large', async () => {
  await withClient({ maxEventBytes: '1KiB' }, async (_, { client, drops }) => {
    const error = await refusal(client.track('u', 'e', { text: 'x'.repeat(2000) }));
    assert.strictEqual(error.code, 'TOO_LARGE');
    assert.match(error.message, /maxEventBytes/);
    assert.strictEqual(drops[0].reason, 'too_large');
  });
});

test('an event larger than any buffer on the stack arrives whole', async () => {
  const text = 'é✓'.repeat(100000);
  const event = await sent((client) => client.track(
    { userId: 'u'.repeat(9000), event: 'e', properties: { text } }));
  assert.strictEqual(event.properties.text, text);
  assert.strictEqual(event.userId.length, 9000);
});

for (let length = 8150; length < 8210; length += 7) {
  test(`an event of ${length} characters at the edge of the buffer arrives whole`, async () => {
    const text = 'é'.repeat(length / 2) + 'x'.repeat(length % 2);
    assert.strictEqual((await sent((client) => client.track('u', 'e', { text }))).properties.text,
      text);
  });
}

test('an id with a NUL character is refused', async () => {
  await withClient({}, async (_, { client }) => {
    for (const call of [{ userId: 'a\u0000b', event: 'e' }, { userId: 'u', event: 'e\u0000' },
      { userId: 'u', event: 'e', eventId: '\u0000' }]) {
      assert.match((await refusal(client.track(call))).message, /NUL/);
    }
  });
});

test('overflow "refuse" rejects with queue_full', async () => {
  await withClient({ overflow: 'refuse', maxQueueSize: 100, backpressureTimeout: 0 },
    async (_, { client, drops }) => {
      for (let i = 0; i < 100; i++) {
        await client.track('u', 'e');
      }
      assert.strictEqual((await refusal(client.track('u', 'e'))).code, 'QUEUE_FULL');
      assert.strictEqual(drops[0].reason, 'queue_full');
    }, { default: { hold: true } });
});
