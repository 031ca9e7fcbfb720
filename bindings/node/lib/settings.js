// SPDX-License-Identifier: MIT
'use strict';

// Options as the library's settings: names and texts, which its table checks.
//
// The options that 1.3.1 has keep its bounds: a value outside is bent as there,
// with a warning. All others are the library's, in camelCase; a value out of
// range is refused. `settings` takes names and texts as docs/settings.md has
// them, with the full range of each.
const native = require('./native');
const { camel, show } = require('./text');

// `below` says what a number under the bound becomes: the bound, or the default.
const VENDOR = {
  flushAt: { name: 'flush_at', min: 1, max: 100, below: 'bound' },
  flushInterval: { name: 'flush_interval_ms', min: 1000, max: 3600000, below: 'default' },
  timeout: { name: 'timeout_ms', min: 1000, max: 60000, below: 'bound' },
  retryLimit: { name: 'retry_limit', min: 0, max: 10, below: 'default' },
  maxQueueSize: { name: 'max_queue_size', min: 100, max: 10000, below: 'bound' },
  closeTimeout: { name: 'close_timeout_ms', min: 1000, max: 120000, below: 'default' },
};

const HOOKS = ['onError', 'onDrop', 'onDelivered', 'onAttemptFailed', 'onLog'];
const OURS = ['settings', 'defaultProperties', 'backpressureTimeout', ...HOOKS];

const TABLE = new Map(native.settings().map((row) => [camel(row.name), row.name]));

/** The number that 1.3.1 makes of an option; undefined for its default. */
function bend(value, rule) {
  const number = Number(value);
  if (Number.isNaN(number) || (number === 0 && rule.min > 0)) {
    return undefined;
  }
  if (number < rule.min) {
    return rule.below === 'bound' ? rule.min : undefined;
  }
  return Math.ceil(Math.min(number, rule.max));
}

function readVendor(option, value, out) {
  const rule = VENDOR[option];
  const number = bend(value, rule);
  if (number !== undefined) {
    out.texts.push(rule.name, String(number));
  }
  if (number !== Math.ceil(Number(value))) {
    out.warnings.push(`${option} is ${show(value)}; it takes ${rule.min} to ` +
      `${rule.max}: using ${number === undefined ? 'the default' : number}`);
  }
}

function textOf(value) {
  return value === Infinity ? 'unlimited' : String(value);
}

function readOne(option, value, out) {
  if (value === undefined || value === null) {
    return;
  }
  if (VENDOR[option]) {
    readVendor(option, value, out);
  } else if (option === 'apiKey' && typeof value !== 'string') {
    throw new TypeError(`Datalyr API key must be a string, not a ${typeof value}`);
  } else if (option === 'debug') {
    out.texts.push('debug', typeof value === 'string' ? value : String(Boolean(value)));
  } else if (TABLE.has(option)) {
    out.texts.push(TABLE.get(option), textOf(value));
  } else if (!OURS.includes(option)) {
    out.warnings.push(`there is no option ${show(option)}: docs/node.md lists them`);
  }
}

// A call that waits for room would stop the whole event loop.
function refuseBlock(out) {
  const at = out.texts.lastIndexOf('overflow');
  const overflow = at < 0 ? process.env.DATALYR_OVERFLOW : out.texts[at + 1];
  if (overflow === 'block') {
    throw new TypeError('overflow "block" would block the event loop; await ' +
      'track() instead, it waits for room');
  }
}

/**
 * Reads the constructor's argument into `texts` (name, text, name, text …),
 * `warnings` and the `hooks` that are functions.
 */
function readOptions(given) {
  const options = typeof given === 'string' ? { apiKey: given } : given;
  const out = { texts: [], warnings: [], hooks: {}, options: options || {} };
  if (options !== undefined && options !== null && typeof options !== 'object') {
    throw new TypeError(`Datalyr API key must be a string, not a ${typeof options}`);
  }
  for (const option of Object.keys(out.options)) {
    readOne(option, out.options[option], out);
  }
  const texts = out.options.settings || {};
  for (const name of Object.keys(texts)) {
    out.texts.push(name, textOf(texts[name]));
  }
  refuseBlock(out);
  for (const hook of HOOKS) {
    if (typeof out.options[hook] === 'function') {
      out.hooks[hook] = out.options[hook];
    }
  }
  return out;
}

module.exports = { readOptions };
