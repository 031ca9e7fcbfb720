// SPDX-License-Identifier: MIT
'use strict';

// Back-pressure: whether the promise of track() must wait for room.
//
// The queue is measured only as often as it can have become half full since the
// last look: that many calls are free of charge. Above half, all who call share
// one promise, which is kept when the queue has drained below half or after
// `timeout`; a poll of a millisecond or more measures again.
//
// Waiting for a host that fails would hang a web handler for nothing: while
// attempts fail and none succeeds nobody waits, and the oldest events go.
const STALL_MS = 250;
const POLL_MS = 1;
const POLL_MAX_MS = 16;

// Free calls between two looks while nobody is to wait.
const STALLED_ROOM = 64;

class Room {
  /**
   * `measure()` fills and returns [pending, delivered, failures, settled,
   * maxQueueSize, …]; `ask()` has the sender send what waits.
   */
  constructor(measure, ask, timeout) {
    this.measure = measure;
    this.ask = ask;
    this.timeout = timeout;
    this.half = Math.floor(measure()[4] / 2);
    this.left = this.half;
    this.waiting = null;
    this.isStalled = false;
    this.settled = 0;
    this.failures = 0;
    this.progressAt = performance.now();
  }

  /** Measures; returns how many events are above half, 0 or less for none. */
  look() {
    const [pending, , failures, settled] = this.measure();
    const now = performance.now();
    if (settled > this.settled) {
      this.settled = settled;
      this.failures = failures;
      this.progressAt = now;
      this.isStalled = false;
    } else if (failures > this.failures && now - this.progressAt >= STALL_MS) {
      this.isStalled = true;
    }
    return pending - this.half;
  }

  /** After `left` calls: a promise to wait for, or `ready`. */
  enter(ready) {
    const above = this.look();
    if (above <= 0) {
      this.left = -above;
      return ready;
    }
    if (this.isStalled || this.timeout <= 0) {
      this.left = STALLED_ROOM;
      return ready;
    }
    this.left = 0;
    this.waiting ??= this.wait();
    return this.waiting;
  }

  wait() {
    this.ask();
    return new Promise((resolve) => {
      const begin = performance.now();
      let pause = POLL_MS;
      const poll = () => {
        const settled = this.settled;
        const above = this.look();
        const isLate = performance.now() - begin >= this.timeout;
        if (isLate && performance.now() - this.progressAt >= this.timeout) {
          this.isStalled = true;
        }
        if (above < 0 || isLate || this.isStalled) {
          this.left = Math.max(0, -above);
          this.waiting = null;
          resolve();
          return;
        }
        pause = this.settled > settled ? POLL_MS : Math.min(pause * 2, POLL_MAX_MS);
        setTimeout(poll, pause);
      };
      setTimeout(poll, pause);
    });
  }
}

module.exports = { Room };
