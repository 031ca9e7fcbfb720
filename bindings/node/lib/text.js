// SPDX-License-Identifier: MIT
'use strict';

// Texts for people: names as JavaScript spells them, and foreign text that
// cannot play tricks on a terminal.
const native = require('./native');

function camel(name) {
  return name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}

const FIELDS = ['user_id', 'anonymous_id', 'event_id', 'group_id',
  'previous_id', 'session_id', 'default_properties', 'timestamp_ms'];
const NAMES = [...native.settings().map((row) => row.name), ...FIELDS]
  .filter((name) => name.includes('_'))
  .sort((a, b) => b.length - a.length);
const ANY_NAME = new RegExp(`(?<![A-Za-z0-9_])(${NAMES.join('|')})(?![A-Za-z0-9_])`, 'g');

/** A sentence of the library with its names in camelCase. */
function translate(message) {
  return message.replace(ANY_NAME, camel);
}

// Control characters and those that change the direction of text.
// eslint-disable-next-line no-control-regex
const TRICKS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

function escape(text) {
  return text.replace(TRICKS, (c) =>
    `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A value as a message shows it: short, on one line. */
function show(value) {
  let text;
  try {
    text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  } catch {
    text = typeof value;
  }
  return escape(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}

module.exports = { camel, translate, escape, show };
