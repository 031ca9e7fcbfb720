// SPDX-License-Identifier: MIT
'use strict';

const native = require('./native');
const exit = require('./exit');
const { DatalyrError, REASONS } = require('./error');
const { Messages } = require('./messages');
const { Room } = require('./room');
const { readOptions } = require('./settings');
const { translate, escape, show } = require('./text');
const { readId, serialize, findNotNumber, readTime, write, invalid, EPOCH } =
  require('./values');
const { isMainThread } = require('worker_threads');

/** What every accepted call returns: nobody has to make a promise of his own. */
const READY = Promise.resolve();

const ERROR = 0;
const WARN = 1;
const DEBUG = 3;

const BACKPRESSURE_TIMEOUT_MS = 5000;

// The library's close needs that much longer than its time when it is busy.
const CLOSE_GRACE_MS = 2000;

// The library waits on in steps of at least that: shorter ones cost threads.
const FENCE_MIN_MS = 1000;

const EXIT_POLL_MS = 10;
const EXIT_ASK_MS = 1000;

// Places in the gauge: see src/watch.c.
const PENDING = 0;
const CLOSE_TIMEOUT = 5;
const EXIT_TIMEOUT = 6;
const IS_DEBUG = 7;
const HAS_JOURNAL = 8;
const RETRY_LIMIT = 9;

function noop() {}

/** A rejection that is no unhandled one when nobody looks. */
function reject(error) {
  const promise = Promise.reject(error);
  promise.catch(noop);
  return promise;
}

function open(read, messages) {
  try {
    return native.open(read.texts, serialize(read.options.defaultProperties, 'defaultProperties'),
      messages.listening, isMainThread, messages.dispatch);
  } catch (error) {
    if (error instanceof DatalyrError) {
      throw error;
    }
    const message = error.message.startsWith('api_key is missing')
      ? 'Datalyr API key is required' : translate(error.message);
    throw new DatalyrError(message, error.code);
  }
}

/** Options of the calls beside track: an object, or an anonymous id as in 1.3.1. */
function readCallOptions(given) {
  return given !== null && typeof given === 'object' ? given : { anonymousId: given };
}

class Datalyr {
  #handle;
  #messages;
  #room;
  #gauge = new Float64Array(10);
  #reference;
  #isDebug;
  #anonymousId;
  #fences = 0; // flushes in threads
  #nextFence = null;
  #fence = null;
  #flushes = new Set(); // ends of the promises of flush
  #closing = null;
  #hasGivenUp = false; // of draining before the exit
  #refused = { validation_error: 0, closed: 0 }; // before the library saw them
  #stats = null; // while a thread closes the client, which nobody may ask then

  constructor(options) {
    const read = readOptions(options);
    const { backpressureTimeout = BACKPRESSURE_TIMEOUT_MS } = read.options;
    this.#messages = new Messages(read.hooks);
    this.#handle = open(read, this.#messages);
    this.#room = new Room(() => this.#measure(), () => native.flushNow(this.#handle, 0),
      Number(backpressureTimeout) || 0);
    this.#isDebug = this.#gauge[IS_DEBUG] === 1;
    this.#messages.retryLimit = this.#gauge[RETRY_LIMIT];
    this.#anonymousId = native.anonymousId(this.#handle);
    this.#reference = exit.add(this);
    for (const warning of read.warnings) {
      this.#messages.log(WARN, warning);
    }
  }

  // ------------------------------------------------------------------ events

  track(first, event, properties) {
    if (first !== null && typeof first === 'object') {
      return this.#record(first, first.event, first.properties, first.userId, first.anonymousId);
    }
    return this.#record(undefined, event, properties, first,
      first === null ? this.#freshId('track') : undefined);
  }

  identify(userId, traits, options) {
    return this.#call('identify', { userId, ...readCallOptions(options) }, traits);
  }

  group(userId, groupId, traits, options) {
    return this.#call('group', { userId, groupId, ...readCallOptions(options) }, traits);
  }

  page(userId, name, properties, options) {
    return this.#call('page', { userId, name, ...readCallOptions(options) }, properties);
  }

  alias(newUserId, previousId, options) {
    return this.#call('alias', { userId: newUserId, previousId, ...readCallOptions(options) });
  }

  trackPurchase(userId, purchase, options) {
    const { value, currency, ...rest } = purchase ?? {};
    const call = readCallOptions(options);
    const anonymousId = call.anonymousId ??
      (userId === null ? this.#freshId('trackPurchase') : undefined);
    const given = currency === undefined || currency === null || currency === ''
      ? 'USD' : currency;
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      return this.#refuse(invalid(`value is ${show(value)}: a purchase needs a finite number`),
        { userId, event: 'purchase', properties: purchase, ...call });
    }
    if (typeof given !== 'string' || given.length > 7) {
      return this.#refuse(invalid(`currency is ${show(given)}: use the three letters of ISO ` +
        '4217, such as USD'), { userId, event: 'purchase', properties: purchase, ...call });
    }
    return this.#record(call, 'purchase', { ...rest, value, currency: given.toUpperCase() },
      userId, anonymousId);
  }

  /** One event; `options` has what is rare. The way that must be short. */
  #record(options, event, properties, userId, anonymousId) {
    let wrong;
    let eventId;
    let sessionId;
    let time = 0;
    try {
      if (typeof event !== 'string' || event === '') {
        throw invalid(`event is ${show(event)}: give the event a name`);
      }
      if (this.#closing) {
        return this.#refuseClosed({ userId, anonymousId, event, properties, ...options });
      }
      if (typeof userId !== 'string') {
        userId = readId(userId, 'userId');
      }
      if (anonymousId !== undefined) {
        anonymousId = readId(anonymousId, 'anonymousId');
      }
      if (options !== undefined) {
        eventId = this.#readEventId(options.eventId);
        sessionId = readId(options.sessionId, 'sessionId');
        time = readTime(options.timestamp);
      }
      wrong = native.track(this.#handle, event, userId, anonymousId,
        this.#serialize(properties, 'properties'), eventId, sessionId, time);
    } catch (error) {
      return this.#refuse(error, { userId, anonymousId, event, properties,
        ...pick(options, ['eventId', 'timestamp', 'sessionId']) });
    }
    if (wrong !== undefined) {
      return this.#refuse(wrong, { userId, anonymousId, event, properties,
        ...pick(options, ['eventId', 'timestamp', 'sessionId']) });
    }
    return this.#accepted(event);
  }

  /** The calls that the library knows by their type. */
  #call(type, given, object) {
    let wrong;
    try {
      const key = type === 'identify' || type === 'group' ? 'traits' : 'properties';
      const text = this.#serialize(object, key);
      const time = readTime(given.timestamp);
      const call = write({
        type,
        userId: readId(given.userId, 'userId'),
        groupId: readId(given.groupId, 'groupId'),
        previousId: readId(given.previousId, 'previousId'),
        name: readId(given.name, 'name'),
        anonymousId: readId(given.anonymousId, 'anonymousId'),
        sessionId: readId(given.sessionId, 'sessionId'),
        eventId: this.#readEventId(given.eventId),
        timestamp: time === 0 ? undefined : new Date(time === EPOCH ? 0 : time).toISOString(),
      });
      if (this.#closing) {
        return this.#refuseClosed({ event: EVENT_NAMES[type], ...given, properties: object });
      }
      wrong = native.record(this.#handle,
        text === undefined ? call : `${call.slice(0, -1)},"${key}":${text}}`);
    } catch (error) {
      wrong = error;
    }
    if (wrong !== undefined) {
      return this.#refuse(wrong, { event: EVENT_NAMES[type], ...given, properties: object });
    }
    return this.#accepted(EVENT_NAMES[type]);
  }

  #accepted(event) {
    if (this.#isDebug) {
      this.#messages.log(DEBUG, `Event queued: ${escape(event).slice(0, 200)}`);
    }
    if (--this.#room.left >= 0) {
      return READY;
    }
    return this.#room.enter(READY);
  }

  #serialize(value, name) {
    const text = serialize(value, name);
    if (text !== undefined && text.includes('null') && !this.#messages.told.has('NaN')) {
      const found = findNotNumber(value, name);
      if (found) {
        this.#messages.once('NaN', WARN, `${found.path} is ${found.word}: sent as null`);
      }
    }
    return text;
  }

  #readEventId(value) {
    if (value === undefined || value === null || typeof value === 'string') {
      return value ?? undefined;
    }
    this.#messages.once('eventId', WARN, `eventId is ${show(value)}, not a string: using a ` +
      'generated one');
    return undefined;
  }

  #freshId(call) {
    this.#messages.once('ids', WARN, `${call}() without userId or anonymousId: the event gets ` +
      'an anonymous id of its own');
    return native.newAnonymousId();
  }

  // --------------------------------------------------------------- refusals

  /** Rejects with what is wrong: an error, or the library's "STATUS sentence". */
  #refuse(wrong, event) {
    let error = wrong;
    if (typeof wrong === 'string') {
      const code = wrong.slice(0, wrong.indexOf(' '));
      error = new DatalyrError(translate(wrong.slice(code.length + 1)), code,
        { reason: REASONS[code] });
    } else if (!(wrong instanceof DatalyrError)) {
      error = invalid(wrong instanceof Error ? wrong.message : show(wrong));
    }
    if (typeof wrong !== 'string') {
      this.#refused.validation_error++;
    }
    this.#messages.once(error.message, WARN, `Event refused: ${error.message}`);
    this.#messages.refused(event, error.reason);
    return reject(error);
  }

  #refuseClosed(event) {
    this.#refused.closed++;
    this.#messages.once('closed', ERROR, 'The client is closed: events are refused');
    this.#messages.refused(event, 'closed');
    return reject(new DatalyrError('the client is closed', 'CLOSED', { reason: 'closed' }));
  }

  // --------------------------------------------------------- flush and close

  flush(options) {
    const timeout = this.#readTimeout(options);
    if (this.#closing) {
      return this.#closing;
    }
    return this.#settle(timeout);
  }

  close(options) {
    this.#closing ??= this.#close(this.#readTimeout(options));
    return this.#closing;
  }

  #readTimeout(options) {
    const timeout = options?.timeout;
    const number = Number(timeout);
    return timeout === undefined || timeout === null || Number.isNaN(number)
      ? this.#gauge[CLOSE_TIMEOUT] : Math.min(Math.max(0, number), 2 ** 31 - 1);
  }

  /** Resolves when all that was accepted is settled, or when time is over. */
  #settle(timeout) {
    if (timeout === 0) {
      native.flushNow(this.#handle, 0);
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      // Until then this keeps the process alive as well.
      const timer = setTimeout(() => finish(), timeout);
      let isOver = false;
      const finish = () => {
        isOver = true;
        clearTimeout(timer);
        this.#flushes.delete(finish);
        resolve();
      };
      this.#flushes.add(finish);
      const goOn = (left) => {
        if (left <= 0 || isOver || this.#closing) {
          finish();
        } else {
          this.#beginFence().then(goOn, finish);
        }
      };
      this.#beginFence().then(goOn, finish);
    });
  }

  /** What is left of a flush that begins no earlier than now; shared by all. */
  #beginFence() {
    if (this.#fence === null) {
      this.#fence = this.#runFence();
      return this.#fence;
    }
    this.#nextFence ??= this.#fence.then(() => {
      this.#nextFence = null;
      if (this.#closing) {
        return 0;
      }
      this.#fence = this.#runFence();
      return this.#fence;
    });
    return this.#nextFence;
  }

  async #runFence() {
    this.#fences++;
    try {
      return await this.#messages.expect((token) => native.flush(this.#handle,
        Math.max(FENCE_MIN_MS, this.#gauge[CLOSE_TIMEOUT]), token));
    } finally {
      this.#fences--;
      if (this.#nextFence === null) {
        this.#fence = null;
      }
    }
  }

  async #close(timeout) {
    const begin = performance.now();
    let timer;
    const isLate = new Promise((resolve) => {
      timer = setTimeout(() => {
        if (this.#fences > 0) {
          resolve();
        } else {
          timer = setTimeout(resolve, CLOSE_GRACE_MS);
        }
      }, timeout);
    });
    // No thread may use the client when it is closed: a flush that began before
    // ends first, and the close goes on behind it.
    const fence = this.#nextFence ?? this.#fence ?? READY;
    const done = fence.catch(noop).then(() => this.#finish(
      Math.max(0, timeout - (performance.now() - begin))));
    await Promise.race([done, isLate]);
    clearTimeout(timer);
    for (const end of this.#flushes) {
      end();
    }
  }

  async #finish(timeout) {
    this.#stats = native.stats(this.#handle);
    const left = await this.#messages.expect((token) => {
      native.close(this.#handle, Math.ceil(timeout), token);
    });
    this.#stats = null;
    this.#forget(left);
  }

  #forget(left) {
    exit.remove(this.#reference);
    native.release(this.#handle);
    if (left > 0) {
      this.#messages.log(WARN, `${left} events were not delivered before the client closed`);
    }
  }

  // -------------------------------------------------------------------- exit

  /** Nothing is left to do in the process but this. */
  drain() {
    this.#measure();
    if (this.#closing || this.#hasGivenUp || this.#gauge[PENDING] === 0 ||
        this.#gauge[HAS_JOURNAL] === 1 || this.#gauge[EXIT_TIMEOUT] === 0) {
      return;
    }
    // Not a flush: its thread could not be called back for the close behind it.
    const end = performance.now() + this.#gauge[EXIT_TIMEOUT];
    let askAt = 0;
    const poll = () => {
      if (this.#closing || this.#measure()[PENDING] === 0) {
        return;
      }
      if (performance.now() >= end) {
        this.#hasGivenUp = true;
        return;
      }
      // Each time ends the rest of failed events: not more often than a retry.
      if (performance.now() >= askAt) {
        askAt = performance.now() + EXIT_ASK_MS;
        native.flushNow(this.#handle, 0);
      }
      setTimeout(poll, EXIT_POLL_MS);
    };
    poll();
  }

  /** The process ends behind this call. */
  drainNow(late) {
    if (this.#closing || this.#measure()[PENDING] === 0 || this.#gauge[HAS_JOURNAL] === 1) {
      return;
    }
    const time = this.#hasGivenUp ? 0 : Math.max(0, this.#gauge[EXIT_TIMEOUT] - late);
    const left = native.flushNow(this.#handle, Math.ceil(time));
    if (left > 0 && this.#fences === 0) {
      this.#closing = READY;
      native.closeNow(this.#handle);
      native.drain(this.#handle, this.#messages.dispatch);
      this.#forget(left);
    } else {
      native.drain(this.#handle, this.#messages.dispatch);
    }
  }

  // ------------------------------------------------------------------ gauges

  #measure() {
    if (this.#stats === null) {
      native.gauge(this.#handle, this.#gauge);
    } else {
      this.#gauge[PENDING] = 0;
    }
    return this.#gauge;
  }

  getAnonymousId() {
    return this.#anonymousId;
  }

  /** The ledger at this moment. */
  stats() {
    const stats = { ...(this.#stats ?? native.stats(this.#handle)) };
    stats.refused = { ...stats.refused };
    for (const [reason, count] of Object.entries(this.#refused)) {
      stats.refused[reason] += count;
      stats.calls += count;
    }
    return stats;
  }
}

const EVENT_NAMES = {
  identify: '$identify', group: '$group', page: '$pageview', alias: '$alias',
};

function pick(object, names) {
  const picked = {};
  for (const name of names) {
    if (object?.[name] !== undefined) {
      picked[name] = object[name];
    }
  }
  return picked;
}

module.exports = { Datalyr };
