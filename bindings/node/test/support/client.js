// SPDX-License-Identifier: MIT
'use strict';

const Datalyr = require('@datalyr/api');
const { Server } = require('./server');

/** A client whose lines and hooks are kept, quick to send. */
function makeClient(server, options = {}) {
  const kept = { lines: [], errors: [], drops: [], delivered: [], attempts: [] };
  const client = new Datalyr({
    apiKey: 'dk_test_key',
    host: server.url,
    onLog: (level, message) => kept.lines.push({ level, message }),
    onError: (event, error) => kept.errors.push({ event, error }),
    onDrop: (events, reason, count) => kept.drops.push({ events, reason, count }),
    onDelivered: (events) => kept.delivered.push(...events),
    onAttemptFailed: (events, error) => kept.attempts.push({ events, error }),
    ...options,
  });
  return Object.assign(kept, { client });
}

/** Runs `use(server, kept)` with a server and a client, and ends both. */
async function withClient(options, use, serverOptions) {
  const server = await Server.start(serverOptions);
  const kept = makeClient(server, options);
  try {
    await use(server, kept);
  } finally {
    server.release();
    await kept.client.close();
    await server.stop();
  }
}

/** The error that a promise rejects with. */
async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it was accepted');
}

/** The law of conservation. */
function checkLaw(stats) {
  const sum = (counts) => Object.values(counts).reduce((a, b) => a + b, 0);
  if (stats.calls !== stats.accepted + sum(stats.refused) ||
      stats.accepted + stats.recovered !==
        stats.delivered + sum(stats.dropped) + stats.pending) {
    throw new Error(`the law does not hold: ${JSON.stringify(stats)}`);
  }
}

module.exports = { makeClient, withClient, refusal, checkLaw };
