// SPDX-License-Identifier: MIT
'use strict';

/**
 * What a call came to that did not succeed. `code` is for programs:
 * INVALID, TOO_LARGE, QUEUE_FULL, CLOSED, NOMEM, IO from the library, or
 * DELIVERY for what onError is given. `reason` is the name under which the
 * ledger counts it.
 */
class DatalyrError extends Error {
  constructor(message, code, more) {
    super(message);
    this.code = code;
    Object.assign(this, more);
  }
}
DatalyrError.prototype.name = 'DatalyrError';

/** Names of refusals by the library's status. */
const REASONS = {
  INVALID: 'validation_error',
  TOO_LARGE: 'too_large',
  QUEUE_FULL: 'queue_full',
  NOMEM: 'queue_full',
  CLOSED: 'closed',
};

module.exports = { DatalyrError, REASONS };
