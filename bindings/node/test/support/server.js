// SPDX-License-Identifier: MIT
'use strict';

// A server that keeps what it gets and answers as it is told, and clients for
// it. It runs in the process of the test: the library's threads are others.
const http = require('http');
const zlib = require('zlib');

const PATIENCE_MS = 30000;

class Server {
  constructor() {
    this.requests = [];
    this.answers = []; // for the first requests, one each; then 200
    this.default = { status: 200 };
    this.held = [];
    this.waiters = [];
    this.inFlight = 0;
    this.mostInFlight = 0;
    this.http = http.createServer((request, response) => this.take(request, response));
    this.http.keepAliveTimeout = 0;
  }

  static async start(options) {
    const server = Object.assign(new Server(), options);
    await new Promise((resolve) => server.http.listen(0, '127.0.0.1', resolve));
    server.url = `http://127.0.0.1:${server.http.address().port}/track`;
    return server;
  }

  take(request, response) {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      let body = Buffer.concat(parts);
      if (request.headers['content-encoding'] === 'gzip') {
        body = zlib.gunzipSync(body);
      }
      const text = body.toString();
      this.requests.push({ headers: request.headers, text, json: JSON.parse(text) });
      this.inFlight++;
      this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
      this.reply(this.answers[this.requests.length - 1] ?? this.default, response);
      this.waiters = this.waiters.filter((waiter) => !waiter());
    });
  }

  reply(answer, response) {
    const end = () => {
      this.inFlight--;
      if (answer.close) {
        response.destroy();
      } else {
        response.writeHead(answer.status ?? 200, answer.headers);
        response.end(answer.body ?? '');
      }
    };
    if (answer.hold) {
      this.held.push(end);
    } else if (answer.delay) {
      setTimeout(end, answer.delay);
    } else {
      end();
    }
  }

  /** Answers what is held, and holds nothing more. */
  release() {
    this.default = { status: 200 };
    for (const end of this.held.splice(0)) {
      end();
    }
  }

  get events() {
    return this.requests.flatMap(({ json }) => json.events ?? [json]);
  }

  /** Resolves when so many requests have come. */
  async sees(count) {
    await within(new Promise((resolve) => {
      const check = () => {
        if (this.requests.length >= count) {
          resolve();
          return true;
        }
        return false;
      };
      if (!check()) {
        this.waiters.push(check);
      }
    }), `request number ${count}`);
  }

  async stop() {
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }
}

/** Fails a promise that takes far too long: no test waits so when all is well. */
async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`never came: ${what}`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when `check()` is true. */
async function until(check, what) {
  const begin = Date.now();
  while (!check()) {
    if (Date.now() - begin > PATIENCE_MS) {
      throw new Error(`never came true: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

// Settings of whoever runs the tests must not change what is tested.
for (const name of Object.keys(process.env)) {
  if (/^DATALYR_(?!BIN|NODE|SOURCE|SHARED|LIB|BUILD)/.test(name) || /_proxy$/i.test(name)) {
    delete process.env[name];
  }
}

module.exports = { Server, within, until };
