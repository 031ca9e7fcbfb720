// SPDX-License-Identifier: MIT
'use strict';

// What takes its time: the page's bulk import at full size, and memory over
// many events (DATALYR_NODE_EVENTS, default 1,000,000).
const assert = require('assert');
const path = require('path');
const { test } = require('node:test');

const { Collector, missing } = require('./support/collector');
const { start } = require('./support/program');

const EVENTS = Number(process.env.DATALYR_NODE_EVENTS || 1000000);

test('page: bulk import delivers 100,000 of 100,000 with default settings', { skip: missing },
  async () => {
    const collector = await Collector.start();
    const child = start([path.join(__dirname, 'samples', 'import.js'), '100000'],
      { DATALYR_HOST: collector.url });
    const { stdout, stderr, code } = await child.ended;
    const stored = await collector.ask('/api/v1/stats');
    await collector.stop();
    assert.strictEqual(code, 0, stderr);
    assert.strictEqual(JSON.parse(stdout.trim().split('\n').pop()).delivered, 100000);
    assert.strictEqual(stored.events, 100000);
  });

test(`memory is flat over ${EVENTS.toLocaleString('en')} events`, async () => {
  const child = start(['--expose-gc', path.join(__dirname, 'programs', 'memory.js'), String(EVENTS)]);
  const { stdout, stderr, code } = await child.ended;
  assert.strictEqual(code, 0, stderr);
  const { early, late, delivered } = JSON.parse(stdout);
  assert.strictEqual(delivered, EVENTS);
  assert.ok(late < early * 1.2 + 8e6, `${early} bytes early, ${late} late`);
  console.log(`# resident: ${Math.round(early / 1e6)} MB after half of them, ` +
    `${Math.round(late / 1e6)} MB at the end`);
});
