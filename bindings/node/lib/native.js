// SPDX-License-Identifier: MIT
'use strict';

// The addon that `npm install` built. DATALYR_NODE_ADDON names another one,
// such as one built with a sanitizer.
const path = require('path');

const file = process.env.DATALYR_NODE_ADDON ||
  path.join(__dirname, '..', 'build', 'datalyr.node');

try {
  module.exports = require(file);
} catch (error) {
  error.message = `@datalyr/api cannot load ${file}: ${error.message}\n` +
    '  try: npm rebuild @datalyr/api   (needs cmake, a C compiler, libcurl ' +
    'and zlib with their headers)';
  throw error;
}
