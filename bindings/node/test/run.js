// SPDX-License-Identifier: MIT
'use strict';

// npm test: runs the test files, each in a process of its own, and prints one
// TAP stream.
//
//   node test/run.js [--short] [FILE…]   --short leaves out what is slow
//
// DATALYR_BIN is the folder of datalyrd; tests that need it are skipped without.
const { spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');

const SLOW = ['package.test.js', 'types.test.js', 'heavy.test.js'];

const words = process.argv.slice(2);
const isShort = words.includes('--short');
const named = words.filter((word) => !word.startsWith('--'));
const files = fs.readdirSync(__dirname)
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => named.length === 0 || named.some((word) => file.includes(word)))
  .filter((file) => !isShort || !SLOW.includes(file));

let number = 0;
let failed = 0;

// The reporter numbers each file from one and ends with a plan of its own.
function pass(line) {
  const point = /^(not ok|ok) \d+ - (.*)$/.exec(line);
  if (point) {
    number++;
    failed += point[1] === 'ok' || /# TODO/.test(point[2]) ? 0 : 1;
    console.log(`${point[1]} ${number} - ${point[2]}`);
  } else if (/^(not ok|\s)/.test(line)) {
    console.log(`#${line}`);
  }
}

for (const file of files) {
  const done = spawnSync(process.execPath,
    ['--expose-gc', '--test-reporter=tap', path.join(__dirname, file)],
    { encoding: 'utf8', maxBuffer: 2 ** 28, stdio: ['ignore', 'pipe', 'pipe'] });
  const before = failed;
  let isHidden = false;
  for (const line of done.stdout.split('\n')) {
    // The details of what passed are nobody's business.
    if (/^(not )?ok /.test(line)) {
      isHidden = line.startsWith('ok ');
      pass(line);
    } else if (!isHidden || !line.startsWith(' ')) {
      pass(line);
    }
  }
  if (done.status !== 0) {
    if (failed === before) {
      number++;
      failed++;
      console.log(`not ok ${number} - ${file} ends well`);
    }
    console.log(done.stderr.replace(/^/gm, '# '));
  }
}
console.log(`1..${number}`);
process.exitCode = failed > 0 || number === 0 ? 1 : 0;
