// SPDX-License-Identifier: MIT
'use strict';

// The TypeScript samples under tsc --strict.
const assert = require('assert');
const { spawnSync } = require('child_process');
const path = require('path');
const { test } = require('node:test');

let tsc = null;
try {
  tsc = path.join(path.dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
} catch {
  tsc = null;
}

test('page: the TypeScript samples pass tsc --strict, and mistakes do not',
  { skip: tsc ? false : 'typescript is not installed: npm install' }, () => {
    const done = spawnSync(process.execPath, [tsc, '-p', path.join(__dirname, 'types')],
      { encoding: 'utf8' });
    assert.strictEqual(done.stdout, '');
    assert.strictEqual(done.status, 0);
  });
