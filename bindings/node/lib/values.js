// SPDX-License-Identifier: MIT
'use strict';

// What callers give, as what the library takes. Every function throws a
// DatalyrError that names the argument.
const { DatalyrError } = require('./error');
const { show } = require('./text');

function invalid(message) {
  return new DatalyrError(message, 'INVALID', { reason: 'validation_error' });
}

/** An id: text, or a number as text. Empty, 0 and false are none, as in 1.3.1. */
function readId(value, name) {
  if (typeof value === 'string') {
    return value === '' ? undefined : value;
  }
  if (!value) {
    return undefined;
  }
  if (typeof value === 'number' || typeof value === 'bigint') {
    return String(value);
  }
  throw invalid(`${name} must be a string, not ${describe(value)}`);
}

function describe(value) {
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

// --------------------------------------------------------------- properties

function step(path, key, isList) {
  if (isList) {
    return `${path}[${key}]`;
  }
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${show(key)}]`;
}

/**
 * Walks values as JSON.stringify does, and returns the first path and word
 * for which `judge(value, ancestors)` has a word.
 */
function findValue(root, name, judge) {
  const ancestors = [];
  function visit(holder, key, path) {
    let value = holder[key];
    if (value !== null && typeof value === 'object' || typeof value === 'bigint') {
      if (typeof value.toJSON === 'function') {
        value = value.toJSON(key);
      }
    }
    const word = judge(value, ancestors);
    if (word) {
      return { path, word };
    }
    if (value === null || typeof value !== 'object' || ancestors.length > 100) {
      return null;
    }
    ancestors.push(value);
    for (const inner of Object.keys(value)) {
      const found = visit(value, inner, step(path, inner, Array.isArray(value)));
      if (found) {
        return found;
      }
    }
    ancestors.pop();
    return null;
  }
  try {
    return visit({ '': root }, '', name);
  } catch {
    return null; // a getter or toJSON that throws: its own message must do
  }
}

function explain(error, value, name) {
  const found = findValue(value, name, (inner, ancestors) => {
    if (typeof inner === 'bigint') {
      return 'is a BigInt, which JSON has no form for: use a string or a number';
    }
    return ancestors.includes(inner) ? 'refers back to what holds it' : '';
  });
  if (found) {
    return invalid(`${found.path} ${found.word}`);
  }
  return invalid(`${name} cannot be written as JSON: ` +
    (error instanceof Error ? error.message.split('\n')[0] : show(error)));
}

// A lone half of a surrogate pair has no UTF-8; JSON.stringify writes it as an
// escape. Like every encoder does: U+FFFD in its place.
const SURROGATE = /\\u[dD][89a-fA-F]/;
const LONE = /\\(?:u[dD][89a-fA-F][0-9a-fA-F]{2}|.)/g;

function mendSurrogates(text) {
  return text.replace(LONE, (escape) => (/^\\u[dD]/.test(escape) ? '\ufffd' : escape));
}

/** Any value of our own making as JSON text. */
function write(value) {
  const text = JSON.stringify(value);
  return text.includes('\\u') && SURROGATE.test(text) ? mendSurrogates(text) : text;
}

/** An object as JSON text, as JSON.stringify writes it; undefined for none. */
function serialize(value, name) {
  let text;
  if (value === undefined || value === null) {
    return undefined;
  }
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw explain(error, value, name);
  }
  if (typeof text !== 'string' || text.charCodeAt(0) !== 123) {
    throw invalid(`${name} must be an object, not ${describe(value)}`);
  }
  return text.includes('\\u') && SURROGATE.test(text) ? mendSurrogates(text) : text;
}

/** Where NaN or Infinity became null; null if nowhere. */
function findNotNumber(value, name) {
  return findValue(value, name, (inner) =>
    (typeof inner === 'number' && !Number.isFinite(inner) ? String(inner) : ''));
}

// ---------------------------------------------------------------- timestamp

/** 1970-01-01 itself, since 0 means "now" to the library. */
const EPOCH = -(2 ** 63);

function daysIn(year, month) {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function parseTime(text) {
  const date = /^(\d{4})-(\d\d)-(\d\d)/.exec(text);
  // V8 takes February 30 for March 2.
  if (date && Number(date[3]) > daysIn(Number(date[1]), Number(date[2]))) {
    return NaN;
  }
  return Date.parse(text);
}

/** Milliseconds for the library: 0 for now. */
function readTime(value) {
  let time = NaN;
  if (value === undefined || value === null) {
    return 0;
  }
  if (typeof value === 'number') {
    time = Math.round(value < 1e12 ? value * 1000 : value);
  } else if (typeof value === 'string') {
    time = parseTime(value);
  } else if (value instanceof Date || Object.prototype.toString.call(value) === '[object Date]') {
    time = value.getTime();
  }
  if (!Number.isFinite(time)) {
    throw invalid(`timestamp is ${show(value)}: use a Date, ISO 8601 such as ` +
      '2026-03-04T05:06:07Z, or a number of seconds or milliseconds');
  }
  return time === 0 ? EPOCH : time;
}

module.exports = { readId, serialize, findNotNumber, readTime, write, invalid, EPOCH };
