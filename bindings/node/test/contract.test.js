// SPDX-License-Identifier: MIT
'use strict';

// The cases of contract/ through JavaScript: contract/README.md says how. Where
// JavaScript cannot keep the spelling of a number, values are compared.
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const { test } = require('node:test');

const Datalyr = require('@datalyr/api');
const { version } = require('../lib/native');
const { camel } = require('../lib/text');
const { Server, until } = require('./support/server');
const { makeClient, refusal } = require('./support/client');

const ROOT = process.env.DATALYR_SOURCE || path.join(__dirname, '..', '..', '..');
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const CONTEXT = { library: '$library', version: '$version', source: 'api', schema_version: 1 };

function cases(file) {
  const full = path.join(ROOT, 'contract', file);
  return fs.existsSync(full) ? JSON.parse(fs.readFileSync(full, 'utf8')).cases : [];
}

function suite(file, run) {
  const all = cases(file);
  if (all.length === 0) {
    test(`contract ${file}`, { skip: 'the contract is not beside this package' }, () => {});
  }
  for (const one of all) {
    test(`contract ${file}: ${one.name}`, () => run(one));
  }
}

// --------------------------------------------------------------------- calls

function make(client, call) {
  const { type = 'track', userId, traits, properties, anonymousId, eventId, timestamp,
    sessionId } = call;
  const options = { anonymousId, eventId, timestamp, sessionId };
  switch (type) {
    case 'identify': return client.identify(userId, traits, options);
    case 'group': return client.group(userId, call.groupId, traits, options);
    case 'page': return client.page(userId, call.name, properties, options);
    case 'alias': return client.alias(userId, call.previousId, options);
    case 'purchase': return client.trackPurchase(userId,
      { ...properties, value: call.value, currency: call.currency }, options);
    default: return client.track({ userId, event: call.event, properties, ...options });
  }
}

// ----------------------------------------------------------------- comparing

function expand(text) {
  return typeof text === 'string'
    ? text.replace('$library', 'libdatalyr').replace('$version', version) : text;
}

/** Compares values, and the order of keys in objects. */
function same(got, want, where) {
  if (want === '$uuid') {
    assert.match(got, UUID, where);
  } else if (want === '$now') {
    assert.match(got, TIME, where);
  } else if (want === '$context') {
    same(got, CONTEXT, where);
  } else if (Array.isArray(want)) {
    assert.strictEqual(got.length, want.length, where);
    want.forEach((item, i) => same(got[i], item, `${where}[${i}]`));
  } else if (want !== null && typeof want === 'object') {
    const { $context, ...rest } = want;
    const whole = $context ? { ...CONTEXT, ...rest } : rest;
    assert.deepStrictEqual(Object.keys(got), Object.keys(whole), where);
    for (const key of Object.keys(whole)) {
      same(got[key], whole[key], `${where}.${key}`);
    }
  } else {
    assert.strictEqual(got, expand(want), where);
  }
}

function sameHeaders(got, want = {}) {
  for (const [name, value] of Object.entries(want)) {
    const found = got[name.toLowerCase()];
    assert.strictEqual(found ?? null, value === null ? null : expand(value), name);
  }
}

async function withCase(one, options, use) {
  const server = await Server.start(options);
  const kept = makeClient(server, { apiKey: 'dk_contract_key',
    settings: { max_in_flight: '1', ...one.settings } });
  try {
    await use(server, kept);
  } finally {
    await kept.client.close({ timeout: 0 });
    await server.stop();
  }
}

async function runWire(one) {
  await withCase(one, {}, async (server, { client }) => {
    if (one.refused) {
      const error = await refusal(make(client, one.calls[0]));
      const before = client.stats();
      assert.strictEqual(error.reason, one.refused.reason === 'validation_error'
        ? 'validation_error' : one.refused.reason);
      assert.ok(error.message.includes(camel(one.refused.names)), error.message);
      assert.strictEqual(before.refused[one.refused.reason], 1);
      await client.flush();
      assert.strictEqual(server.requests.length, 0);
      return;
    }
    for (const call of one.calls) {
      await make(client, call);
    }
    await client.flush();
    assert.strictEqual(client.stats().pending, 0);
    assert.strictEqual(server.requests.length, one.requests.length);
    one.requests.forEach((request, i) => {
      sameHeaders(server.requests[i].headers, request.headers);
      same(server.requests[i].json, request.body, 'body');
    });
  });
}

// ------------------------------------------------------------------- answers

function headersOf(headers = {}) {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => {
    const date = /^\$http_date\+(\d+)$/.exec(value);
    return [name, date ? new Date(Date.now() + date[1] * 1000).toUTCString() : value];
  }));
}

async function runAnswer(one) {
  const answers = one.answers.map((answer) => ({ ...answer, headers: headersOf(answer.headers) }));
  await withCase(one, { answers }, async (server, { client, attempts }) => {
    for (let i = 0; i < one.events; i++) {
      client.track('u', `e${i}`);
    }
    const flush = one.flush === false ? null : client.flush();
    if (one.expect.outcome === 'retry') {
      await until(() => attempts.length > 0, 'a failed attempt');
      const [least, most] = one.expect.retry_in_ms;
      const { retryInMs } = attempts[0].error;
      assert.ok(retryInMs >= least && retryInMs <= most, `in ${retryInMs} ms`);
      return;
    }
    await flush;
    const stats = client.stats();
    assert.strictEqual(stats.pending, 0);
    assert.strictEqual(stats.delivered, one.expect.delivered ?? 0);
    assert.strictEqual(stats.duplicates, one.expect.duplicates ?? 0);
    for (const [reason, count] of Object.entries(stats.dropped)) {
      assert.strictEqual(count, one.expect.dropped?.[reason] ?? 0, reason);
    }
    assert.strictEqual(server.requests.length, one.expect.requests);
  });
}

// ------------------------------------------------------------------ settings

async function runSettings(one) {
  const environment = one.environment ?? {};
  Object.assign(process.env, environment);
  try {
    const open = () => new Datalyr({ onLog() {},
      settings: { api_key: 'dk_contract_key', ...one.set } });
    if (one.refused) {
      assert.throws(open, (error) => one.refused.names.every((name) => name === 'api_key'
        ? /API key/.test(error.message)
        : error.message.includes(name) || error.message.includes(camel(name))));
    } else if (one.set.overflow === 'block') {
      assert.throws(open, /event loop/);
    } else {
      await open().close({ timeout: 0 });
    }
  } finally {
    for (const name of Object.keys(environment)) {
      delete process.env[name];
    }
  }
}

for (const file of ['track', 'calls', 'event-ids', 'timestamps', 'batches', 'refused']) {
  suite(`wire/${file}.json`, runWire);
}
suite('answers/answers.json', runAnswer);
suite('settings/settings.json', runSettings);
