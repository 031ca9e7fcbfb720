// SPDX-License-Identifier: MIT
'use strict';

// What the library tells a client: log lines to the console, events to the
// hooks, ends of waits to those who wait.
//
// A Messages object knows the hooks but not the client, so that a client that
// nobody holds can be collected while the addon still holds this.
const { DatalyrError } = require('./error');
const { translate } = require('./text');

const LOG = 0;
const DELIVERED = 1;
const FAILURE = 2;
const DROP = 3;
const DONE = 4;

// Answers on which the library splits a batch: each event is reported again.
const SPLIT = [400, 413, 422];

class Messages {
  constructor(hooks) {
    this.hooks = hooks;
    this.retryLimit = 0;
    this.waits = new Map();
    this.nextToken = 1;
    this.told = new Set();
    this.isInRefusal = false;
    this.dispatch = (kind, text, json, ...numbers) => this.take(kind, text, json, numbers);
  }

  /** What the addon need not copy for nobody. */
  get listening() {
    const { onDelivered, onError, onAttemptFailed, onDrop } = this.hooks;
    return (onDelivered ? 1 : 0) | (onError || onAttemptFailed ? 2 : 0) | (onDrop ? 4 : 0);
  }

  take(kind, text, json, numbers) {
    if (kind === LOG) {
      this.log(numbers[0], translate(text));
    } else if (kind === DELIVERED) {
      this.call('onDelivered', JSON.parse(json));
    } else if (kind === FAILURE) {
      this.fail(text, json, numbers);
    } else if (kind === DROP) {
      this.call('onDrop', json === null ? [] : JSON.parse(json), text, numbers[0]);
    } else if (kind === DONE) {
      const wait = this.waits.get(numbers[1]);
      this.waits.delete(numbers[1]);
      wait(numbers[0]);
    }
  }

  /** A promise for DONE, and the token that it comes with. */
  expect(start) {
    const token = this.nextToken++;
    return new Promise((resolve, reject) => {
      this.waits.set(token, resolve);
      try {
        start(token);
      } catch (error) {
        this.waits.delete(token);
        reject(error);
      }
    });
  }

  fail(text, json, [httpStatus, attempt, retryInMs, count]) {
    const events = json === null ? [] : JSON.parse(json);
    const error = new DatalyrError(text, 'DELIVERY', { httpStatus, attempt, retryInMs });
    this.call('onAttemptFailed', events, error);
    const isSplit = count > 1 && retryInMs < 0 && SPLIT.includes(httpStatus);
    // As in 1.3.1: once per event when a round of attempts is over.
    if ((retryInMs < 0 || attempt > this.retryLimit) && !isSplit) {
      for (const event of events) {
        this.call('onError', event, error);
      }
    }
  }

  /** Runs a hook; what it throws is its own affair, but not in silence. */
  call(name, ...args) {
    const hook = this.hooks[name];
    if (!hook) {
      return;
    }
    try {
      const result = hook(...args);
      if (result && typeof result.then === 'function') {
        result.then(undefined, (error) => this.complain(name, error));
      }
    } catch (error) {
      this.complain(name, error);
    }
  }

  complain(name, error) {
    this.once(`hook ${name}`, 1, `the ${name} hook failed: ${error && error.message || error}`);
  }

  /** onDrop for a call that was refused; not for one made by that hook. */
  refused(event, reason) {
    if (this.hooks.onDrop && !this.isInRefusal) {
      this.isInRefusal = true;
      this.call('onDrop', [event], reason, 1);
      this.isInRefusal = false;
    }
  }

  /** Level as the library has them: 0 error, 1 warning, 2 info, 3 debug. */
  log(level, message) {
    if (this.hooks.onLog) {
      this.call('onLog', ['error', 'warn', 'info', 'debug'][level], message);
    } else {
      const line = `[Datalyr] ${message}`;
      if (level === 0) {
        console.error(line);
      } else if (level === 1) {
        console.warn(line);
      } else {
        console.log(line);
      }
    }
  }

  /** A line that is said once per client and key. */
  once(key, level, message) {
    if (!this.told.has(key) && this.told.size < 100) {
      this.told.add(key);
      this.log(level, message);
    }
  }
}

module.exports = { Messages };
