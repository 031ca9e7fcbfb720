// SPDX-License-Identifier: MIT
'use strict';

// Clients in a process: promises and back-pressure, the event loop, the end of
// the process, worker threads, collection.
const assert = require('assert');
const { test } = require('node:test');

const Datalyr = require('@datalyr/api');
const { Server, until } = require('./support/server');
const { makeClient, withClient, refusal, checkLaw } = require('./support/client');
const { script } = require('./support/program');

const HOLD = { default: { hold: true } };
const BATCHES = { default: { status: 200, headers: { 'X-Datalyr-Batch': '10000' } } };

/** Runs a program against a server; returns how it ended. */
async function run(text, options, use = async () => {}) {
  const server = await Server.start(options);
  const child = script(server.url, text);
  await use(server, child);
  const ended = await child.ended;
  await server.stop();
  return { ...ended, server };
}

// ------------------------------------------------------------ promises

test('a rejection that nobody awaits is no unhandled rejection', async () => {
  const { code, stderr } = await run(`
    const c = client({ onLog() {} });
    c.track('u'); c.identify(); c.trackPurchase(); c.alias(); c.group(); c.page();
    c.close().then(() => { c.track('u', 'late'); });`);
  assert.strictEqual(stderr, '');
  assert.strictEqual(code, 0);
});

test('an error has a stack that leads to the call', async () => {
  await withClient({}, async (_, { client }) => {
    assert.match((await refusal(client.track('u'))).stack, /life\.test\.js/);
  });
});

// ------------------------------------------------------------ back-pressure

test('an awaited loop with default settings loses nothing', async () => {
  await withClient({}, async (server, { client }) => {
    for (let i = 0; i < 30000; i++) {
      await client.track('u', 'e', { i });
    }
    await client.flush();
    const stats = client.stats();
    assert.strictEqual(stats.delivered, 30000);
    assert.strictEqual(new Set(server.events.map(({ properties }) => properties.i)).size, 30000);
  }, BATCHES);
});

test('an awaited loop whose events are fewer than flushAt does not wait for the interval',
  async () => {
    await withClient({ maxQueueSize: 100, flushAt: 100 }, async (_, { client }) => {
      const begin = Date.now();
      for (let i = 0; i < 500; i++) {
        await client.track('u', 'e');
      }
      assert.ok(Date.now() - begin < 4000);
      await client.flush();
      assert.strictEqual(client.stats().delivered, 500);
    });
  });

test('above half of maxQueueSize all who call share one promise', async () => {
  await withClient({ maxQueueSize: 100 }, async (server, { client }) => {
    const promises = [];
    for (let i = 0; i < 60; i++) {
      promises.push(client.track('u', 'e'));
    }
    assert.strictEqual(promises[0], promises[49]);
    assert.notStrictEqual(promises[49], promises[50]);
    assert.strictEqual(promises[50], promises[59]);
    let isKept = false;
    promises[59].then(() => {
      isKept = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.strictEqual(isKept, false);
    server.release();
    await promises[59];
    assert.ok(client.stats().pending < 50);
  }, HOLD);
});

test('a host that says nothing is waited for at most backpressureTimeout, once', async () => {
  await withClient({ maxQueueSize: 100, backpressureTimeout: 100 }, async (_, { client }) => {
    for (let i = 0; i < 50; i++) {
      client.track('u', 'e');
    }
    const begin = Date.now();
    for (let i = 0; i < 500; i++) {
      await client.track('u', 'e');
    }
    assert.ok(Date.now() - begin < 3000);
    checkLaw(client.stats());
  }, HOLD);
});

test('while the host fails nobody waits, and the oldest are dropped', async () => {
  await withClient({ maxQueueSize: 100, flushAt: 1, backpressureTimeout: 60000 },
    async (server, { client, attempts }) => {
      client.track('u', 'first');
      await until(() => attempts.length >= 1 && client.stats().failures >= 1, 'a failure');
      await new Promise((resolve) => setTimeout(resolve, 300));
      const begin = Date.now();
      for (let i = 0; i < 1000; i++) {
        await client.track('u', `e${i}`);
      }
      assert.ok(Date.now() - begin < 5000);
      const stats = client.stats();
      checkLaw(stats);
      assert.ok(stats.dropped.queue_overflow > 800);
      await client.close({ timeout: 0 });
    }, { default: { status: 503 } });
});

test('when the host is back, calls wait for room again', async () => {
  await withClient({ maxQueueSize: 100, flushAt: 1 }, async (server, { client }) => {
    client.track('u', 'first');
    await until(() => client.stats().failures >= 1, 'a failure');
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (let i = 0; i < 200; i++) {
      await client.track('u', 'x');
    }
    server.default = { status: 200 };
    await client.flush();
    const { dropped } = client.stats();
    for (let i = 0; i < 2000; i++) {
      await client.track('u', 'y');
    }
    await client.flush();
    assert.deepStrictEqual(client.stats().dropped, dropped);
  }, { default: { status: 503 } });
});

// ---------------------------------------------------------- the event loop

test('flush and close do not block the event loop', async () => {
  await withClient({}, async (server, { client }) => {
    client.track('u', 'e');
    let ticks = 0;
    const timer = setInterval(() => {
      ticks++;
    }, 1);
    await client.flush({ timeout: 200 });
    await client.close({ timeout: 200 });
    clearInterval(timer);
    assert.ok(ticks > 50, `${ticks} ticks`);
  }, HOLD);
});

test('flushes to a dead host leave the pool of Node alone', async () => {
  const server = await Server.start(HOLD);
  const all = Array.from({ length: 20 }, () => makeClient(server));
  for (const { client } of all) {
    client.track('u', 'e');
    client.flush();
  }
  await server.sees(20);
  await require('fs/promises').readFile(__filename);
  await require('util').promisify(require('crypto').pbkdf2)('a', 'b', 1, 8, 'sha256');
  server.release();
  await Promise.all(all.map(({ client }) => client.close()));
  await server.stop();
});

test('hooks of a busy event loop wait in bounded memory', async () => {
  await withClient({ maxQueueSize: 1000 }, async (server, { client, drops }) => {
    // No turn of the event loop in here: the hook cannot run.
    for (let i = 0; i < 200000; i++) {
      client.track('u', 'e', { text: 'x'.repeat(1000) });
    }
    await client.close({ timeout: 0 });
    await until(() => drops.reduce((sum, { count }) => sum + count, 0) ===
      Object.values(client.stats().dropped).reduce((a, b) => a + b, 0), 'all drops');
    assert.ok(process.memoryUsage().rss < 700e6);
    checkLaw(client.stats());
  }, HOLD);
});

// ---------------------------------------------------- the end of a process

test('a process with nothing left to do delivers and ends by itself', async () => {
  const { code, server, stdout } = await run(`
    const c = client({ onDelivered: (events) => console.log(events.length) });
    for (let i = 0; i < 5; i++) c.track('u', 'e');`);
  assert.strictEqual(code, 0);
  assert.strictEqual(server.events.length, 5);
  assert.match(stdout, /\d/);
});

test('an idle client does not keep the process', async () => {
  const begin = Date.now();
  const { code } = await run('client();');
  assert.strictEqual(code, 0);
  assert.ok(Date.now() - begin < 5000);
});

test('a pending flush keeps the process', async () => {
  const { stdout } = await run(`
    const c = client();
    c.track('u', 'e');
    c.flush().then(() => console.log('flushed', c.stats().delivered));`,
  { default: { delay: 200 } });
  assert.strictEqual(stdout, 'flushed 1\n');
});

test('a pending track keeps the process', async () => {
  const { stdout } = await run(`
    const c = client({ maxQueueSize: 100 });
    for (let i = 0; i < 59; i++) c.track('u', 'e');
    c.track('u', 'e').then(() => console.log('room'));`,
  { default: { delay: 20 } });
  assert.strictEqual(stdout, 'room\n');
});

test('process.exit() delivers what waits', async () => {
  const { code, server } = await run(`
    const c = client();
    for (let i = 0; i < 50; i++) c.track('u', 'e');
    process.exit(3);`, {});
  assert.strictEqual(code, 3);
  assert.strictEqual(server.events.length, 50);
});

test('process.exit() gives up at exitTimeoutMs and hands the rest to onDrop', async () => {
  const { code, stdout } = await run(`
    const c = client({ exitTimeoutMs: 200, onDrop: (events, reason, count) =>
      console.log(reason, count, events[0].properties.n) });
    c.track('u', 'e', { n: 7 });
    process.exit(4);`, HOLD);
  assert.strictEqual(code, 4);
  assert.strictEqual(stdout, 'close_timeout 1 7\n');
});

test('a natural end gives up at exitTimeoutMs, once, and hands the rest to onDrop', async () => {
  const begin = Date.now();
  const { code, stdout, stderr } = await run(`
    const c = client({ exitTimeoutMs: 300, onDrop: (events, reason, count) =>
      console.log(reason, count) });
    c.track('u', 'e');`, HOLD);
  assert.strictEqual(code, 0);
  assert.strictEqual(stdout, 'close_timeout 1\n');
  assert.match(stderr, /1 events were not delivered/);
  assert.ok(Date.now() - begin < 5000);
});

for (const call of ['flush', 'close']) {
  test(`process.exit() in a ${call} that is under way ends the process`, async () => {
    const { code } = await run(`
      const c = client({ exitTimeoutMs: 200 });
      c.track('u', 'e');
      c.${call}();
      setTimeout(() => process.exit(5), 50);`, HOLD);
    assert.strictEqual(code, 5);
  });
}

test('an uncaught exception still delivers what waits', async () => {
  const { code, server } = await run(`
    const c = client();
    c.track('u', 'e');
    throw new Error('mine');`);
  assert.strictEqual(code, 1);
  assert.strictEqual(server.events.length, 1);
});

test('with a journal an exit waits for nobody, and the next process delivers', async () => {
  const folder = require('fs').mkdtempSync(require('path').join(require('os').tmpdir(), 'dlr-'));
  const journal = `journalDir: ${JSON.stringify(folder)}`;
  const server = await Server.start(HOLD);
  const first = await script(server.url, `
    const c = client({ ${journal} });
    c.track({ userId: 'u', event: 'e', eventId: 'evt_1' });`).ended;
  assert.strictEqual(first.code, 0);
  server.release();
  const second = await script(server.url, `
    const c = client({ ${journal} });
    (async () => {
      while (c.stats().delivered < 1) await new Promise((go) => setTimeout(go, 20));
      await c.close();
      console.log(c.stats().recovered);
    })();`).ended;
  assert.strictEqual(second.stdout, '1\n', second.stderr);
  assert.strictEqual(server.events[server.events.length - 1].eventId, 'evt_1');
  await server.stop();
  require('fs').rmSync(folder, { recursive: true });
});

// --------------------------------------------- workers, clients, collection

/** A program that starts workers which run a text with `make()`. */
function workers(count, text, after = '') {
  return `
    const { Worker } = require('worker_threads');
    const api = JSON.stringify(require.resolve('@datalyr/api'));
    const host = JSON.stringify(HOST);
    const text = 'const Datalyr = require(' + api + ');' +
      'const make = (options) => new Datalyr({ apiKey: "dk_w", host: ' + host + ', ...options });' +
      ${JSON.stringify(text)};
    const all = Array.from({ length: ${count} }, () => new Worker(text, { eval: true }));
    ${after}`;
}

test('worker threads have clients of their own', async () => {
  const { code, stderr, server } = await run(workers(4, `
    const c = make();
    for (let i = 0; i < 20; i++) c.track('w', 'e');
    c.flush().then(() => c.close());`));
  assert.strictEqual(code, 0, stderr);
  assert.strictEqual(server.events.length, 80);
});

test('a worker that ends by itself delivers what waits', async () => {
  const { code, stderr, server } = await run(workers(2, `
    const c = make();
    for (let i = 0; i < 20; i++) c.track('w', 'e');`));
  assert.strictEqual(code, 0, stderr);
  assert.strictEqual(server.events.length, 40);
});

test('a worker that is terminated delivers what waits', async () => {
  const { code, stderr, server } = await run(workers(2, `
    const c = make();
    for (let i = 0; i < 5; i++) c.track('w', 'e');
    require('worker_threads').parentPort.postMessage('ready');
    setInterval(() => {}, 1000);`, `
    all.forEach((worker) => worker.on('message', () => worker.terminate()));
    setTimeout(() => {}, 500);`));
  assert.strictEqual(code, 0, stderr);
  assert.strictEqual(server.events.length, 10);
});

test('a worker that is terminated in a flush does not stop the process', async () => {
  const { code, stderr } = await run(workers(2, `
    const c = make({ exitTimeoutMs: 100 });
    c.track('w', 'e');
    c.flush();
    require('worker_threads').parentPort.postMessage('ready');
    setInterval(() => {}, 1000);`, `
    all.forEach((worker) => worker.on('message', () => worker.terminate()));`), HOLD);
  assert.strictEqual(code, 0, stderr);
});

test('a client that nobody holds is drained and collected', async () => {
  const { code, stdout, server } = await run(`
    let reference;
    (function () {
      const c = client();
      reference = new WeakRef(c);
      c.track('u', 'e');
    })();
    const timer = setInterval(() => {
      global.gc();
      if (!reference.deref()) {
        clearInterval(timer);
        console.log('collected');
        setTimeout(() => {}, 300);
      }
    }, 10);`);
  assert.strictEqual(code, 0);
  assert.strictEqual(stdout, 'collected\n');
  assert.strictEqual(server.events.length, 1);
});

test('a client with hooks is collected too, and the hooks are still told', async () => {
  const { stdout } = await run(`
    let reference;
    (function () {
      const c = client({ onDelivered: (events) => console.log('delivered', events.length) });
      reference = new WeakRef(c);
      c.track('u', 'e');
    })();
    const timer = setInterval(() => {
      global.gc();
      if (!reference.deref()) {
        clearInterval(timer);
        setTimeout(() => {}, 500);
      }
    }, 10);`);
  assert.strictEqual(stdout, 'delivered 1\n');
});

test('1,000 clients opened and closed leave no threads and no open files', async () => {
  const server = await Server.start();
  const count = (what) => require('fs').readdirSync(`/proc/self/${what}`).length;
  const round = async (clients) => {
    for (let i = 0; i < clients; i += 10) {
      await Promise.all(Array.from({ length: 10 }, async () => {
        const client = new Datalyr({ apiKey: 'dk_x', host: server.url });
        await client.track('u', 'e');
        await client.close();
      }));
    }
  };
  await round(20);
  const before = { task: count('task'), fd: count('fd') };
  await round(1000);
  assert.strictEqual(server.events.length, 1020);
  await until(() => count('task') <= before.task + 2, 'threads to end');
  await until(() => count('fd') <= before.fd + 12, 'files to close');
  await server.stop();
});

test('several clients do not mix their events', async () => {
  const one = await Server.start();
  const two = await Server.start();
  const a = makeClient(one);
  const b = makeClient(two);
  for (let i = 0; i < 50; i++) {
    a.client.track('a', 'e');
    b.client.track('b', 'e');
  }
  await Promise.all([a.client.close(), b.client.close()]);
  assert.ok(one.events.every(({ userId }) => userId === 'a') && one.events.length === 50);
  assert.ok(two.events.every(({ userId }) => userId === 'b') && two.events.length === 50);
  await one.stop();
  await two.stop();
});
