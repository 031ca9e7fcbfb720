// SPDX-License-Identifier: MIT
'use strict';

// @datalyr/api beside posthog-node and @segment/analytics-node, each with the
// settings that suit it best, in a process of its own and turn by turn:
//
//   cd bench && npm install && node bench.js [EVENTS] [ROUNDS]
//
// p50 and p99 are of the call alone. Thread time is how long the JavaScript
// thread was busy, from the first call to the last delivery, per event. CPU is
// of the whole process, all its threads, per delivered event.
const { fork } = require('child_process');
const http = require('http');
const zlib = require('zlib');

const properties = (i) => ({
  revenue: 99.99 + i, currency: 'USD', product_id: `prod_${i}`, quantity: 3, plan: 'enterprise',
  path: '/checkout/complete', method: 'POST', referrer: 'https://example.com/landing',
  is_first: true, country: 'DE',
});
const breathe = () => new Promise((resolve) => setImmediate(resolve));

// Each: a function that tracks event i, one to await after it, one to end.
const CLIENTS = {
  datalyr(host) {
    const Datalyr = require('..');
    const client = new Datalyr({ apiKey: 'dk_bench', host });
    let last;
    return {
      track(i) {
        last = client.track({ userId: `user_${i}`, event: 'purchase', properties: properties(i) });
      },
      after: () => last,
      end: () => client.close(),
    };
  },
  posthog(host) {
    const { PostHog } = require('posthog-node');
    const client = new PostHog('phc_bench', { host, flushAt: 500, maxBatchSize: 500,
      disableCompression: true, maxQueueSize: 200000 });
    return {
      track(i) {
        client.capture({ distinctId: `user_${i}`, event: 'purchase', properties: properties(i) });
      },
      after: (i) => (i % 1000 === 999 ? client.flush() : undefined),
      end: () => client.shutdown(),
    };
  },
  segment(host) {
    const { Analytics } = require('@segment/analytics-node');
    const client = new Analytics({ writeKey: 'bench', host, flushAt: 500, flushInterval: 1000 });
    return {
      track(i) {
        client.track({ userId: `user_${i}`, event: 'purchase', properties: properties(i) });
      },
      after: (i) => (i % 100 === 99 ? breathe() : undefined),
      end: () => client.closeAndFlush(),
    };
  },
};

async function measure(name, port, events) {
  const client = CLIENTS[name](name === 'datalyr' ? `http://127.0.0.1:${port}/track`
    : `http://127.0.0.1:${port}`);
  const times = new Float64Array(events);
  const cpu = process.cpuUsage();
  const loop = performance.eventLoopUtilization();
  const begin = performance.now();
  for (let i = 0; i < events; i++) {
    const start = process.hrtime.bigint();
    client.track(i);
    times[i] = Number(process.hrtime.bigint() - start);
    const wait = client.after(i);
    if (wait) {
      await wait;
    }
  }
  await client.end();
  const seconds = (performance.now() - begin) / 1000;
  const { active } = performance.eventLoopUtilization(loop);
  const { user, system } = process.cpuUsage(cpu);
  times.sort();
  process.send({ seconds, thread: (active * 1000) / events, cpu: user + system,
    p50: times[events / 2 | 0] / 1000, p99: times[events * 0.99 | 0] / 1000 });
}

/** Counts the distinct events it gets: the second copy of one is no delivery. */
function serve() {
  let seen = new Set();
  const server = http.createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      let body = Buffer.concat(parts);
      if (request.headers['content-encoding'] === 'gzip') {
        body = zlib.gunzipSync(body);
      }
      const json = JSON.parse(body.toString() || '{}');
      for (const event of json.events ?? json.batch ?? [json]) {
        seen.add(event.properties?.product_id);
      }
      response.writeHead(200, { 'X-Datalyr-Batch': '10000', 'Content-Type': 'application/json' });
      response.end('{"status":1}');
    });
  });
  process.on('message', () => {
    process.send({ delivered: seen.size });
    seen = new Set();
  });
  process.on('disconnect', () => process.exit());
  server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
}

const next = (child) => new Promise((resolve, reject) => {
  child.once('message', resolve);
  child.once('exit', (code) => reject(new Error(`ended with ${code}`)));
});

async function main(events, rounds) {
  const server = fork(__filename, ['serve']);
  const { port } = await next(server);
  console.log(`${events} events of 10 properties, node ${process.version}`);
  console.log('client    delivered  events/s   p50 us   p99 us  thread us/event  CPU us/delivered');
  for (let round = 0; round < rounds; round++) {
    for (const name of Object.keys(CLIENTS)) {
      const child = fork(__filename, ['measure', name, port, events]);
      const result = await next(child);
      child.disconnect();
      server.send('count');
      const { delivered } = await next(server);
      console.log(name.padEnd(9), String(delivered).padStart(9),
        String(Math.round(delivered / result.seconds)).padStart(9),
        result.p50.toFixed(2).padStart(8), result.p99.toFixed(2).padStart(8),
        result.thread.toFixed(2).padStart(16), (result.cpu / delivered).toFixed(2).padStart(17));
    }
  }
  server.disconnect();
}

const [command, ...rest] = process.argv.slice(2);
if (command === 'serve') {
  serve();
} else if (command === 'measure') {
  measure(rest[0], Number(rest[1]), Number(rest[2]));
} else {
  main(Number(command || 100000), Number(rest[0] || 3));
}
