// SPDX-License-Identifier: MIT
'use strict';

// The open clients of this thread, for the end of the process.
//
// When nothing is left to do ('beforeExit'), what waits is delivered while the
// event loop still runs, for at most exit_timeout_ms. When the process ends at
// once ('exit', for example by process.exit), the same happens on this thread.
// Then what is left is handed to onDrop. With a journal it is safe on disk.
//
// Clients are held weakly: one that nobody uses is collected, and drained by
// the addon.
const open = new Set();
const forget = new FinalizationRegistry((reference) => remove(reference));

function add(client) {
  const reference = new WeakRef(client);
  if (open.size === 0) {
    process.on('beforeExit', beforeExit);
    process.on('exit', atExit);
  }
  open.add(reference);
  forget.register(client, reference);
  return reference;
}

function remove(reference) {
  open.delete(reference);
  if (open.size === 0) {
    process.removeListener('beforeExit', beforeExit);
    process.removeListener('exit', atExit);
  }
}

function clients() {
  return [...open].map((reference) => reference.deref()).filter(Boolean);
}

function beforeExit() {
  for (const client of clients()) {
    client.drain();
  }
}

function atExit() {
  const begin = performance.now();
  for (const client of clients()) {
    client.drainNow(performance.now() - begin);
  }
}

module.exports = { add, remove };
