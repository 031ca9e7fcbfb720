// SPDX-License-Identifier: MIT
'use strict';

const { spawn } = require('child_process');

/**
 * Runs a program of JavaScript text or file in a process of its own. `ended`
 * resolves to {code, signal, stdout, stderr}.
 */
function start(args, environment = {}) {
  const child = spawn(process.execPath, args,
    { cwd: __dirname, env: { ...process.env, ...environment } });
  const out = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].on('data', (part) => {
      out[stream] += part;
    });
  }
  child.ended = new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, ...out }));
  });
  child.prints = (text) => new Promise((resolve, reject) => {
    const look = () => {
      if (out.stdout.includes(text)) {
        resolve();
      }
    };
    child.stdout.on('data', look);
    child.on('close', () => reject(new Error(`ended without "${text}": ${out.stderr}`)));
    look();
  });
  return child;
}

/** Runs a text with `Datalyr` and `client(options)` for a server at `url`. */
function script(url, text, environment) {
  return start(['--expose-gc', '-e', `
    const Datalyr = require('@datalyr/api');
    const HOST = ${JSON.stringify(url)};
    const client = (options) => new Datalyr({ apiKey: 'dk_test_key', host: HOST, ...options });
    ${text}`], environment);
}

module.exports = { start, script };
