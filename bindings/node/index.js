// SPDX-License-Identifier: MIT
'use strict';

// One value for every way to ask: require() gives the class itself, which has
// itself as a named and as the default export.
const { Datalyr } = require('./lib/client');
const { DatalyrError } = require('./lib/error');

Datalyr.Datalyr = Datalyr;
Datalyr.default = Datalyr;
Datalyr.DatalyrError = DatalyrError;

module.exports = Datalyr;
