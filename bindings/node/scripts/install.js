// SPDX-License-Identifier: MIT
'use strict';

// Builds build/datalyr.node with CMake. Nothing is downloaded: the headers of
// Node-API come with the package node-api-headers, libdatalyr from the system
// (pkg-config) or from its sources.
//
//   DATALYR_NODE_LIBRARY=system|sources   which libdatalyr; default: what is there
//   DATALYR_NODE_SANITIZE=address         a build for memory checks
const { spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');

const root = path.join(__dirname, '..');
const { version } = require(path.join(root, 'package.json'));

function findHeaders() {
  try {
    return require('node-api-headers').include_dir;
  } catch {
    // A Node of the distribution brings them along.
    const own = path.join(process.execPath, '..', '..', 'include', 'node');
    return fs.existsSync(path.join(own, 'node_api.h')) ? own : null;
  }
}

function fail(what, hint) {
  console.error(`@datalyr/api: ${what}\n  try: ${hint}`);
  process.exit(1);
}

function run(command, args) {
  const done = spawnSync(command, args, { encoding: 'utf8', cwd: root });
  if (done.error) {
    fail(`${command} cannot be run: ${done.error.message}`,
      'apt-get install cmake gcc make libcurl4-openssl-dev zlib1g-dev');
  }
  if (done.status !== 0) {
    process.stderr.write(done.stdout + done.stderr);
    fail(`${command} ${args[0]} failed, see above`,
      'apt-get install cmake gcc make libcurl4-openssl-dev zlib1g-dev');
  }
  return done.stdout;
}

const headers = findHeaders();
if (headers === null) {
  fail('there are no headers of Node-API', 'npm install node-api-headers');
}
const build = process.env.DATALYR_NODE_BUILD || path.join(root, 'build');
const said = run('cmake', ['-S', root, '-B', build,
  `-DNODE_API_INCLUDE=${headers}`,
  `-DDATALYR_NODE_VERSION=${version}`,
  `-DDATALYR_NODE_LIBRARY=${process.env.DATALYR_NODE_LIBRARY || 'auto'}`,
  `-DDATALYR_SANITIZE=${process.env.DATALYR_NODE_SANITIZE || ''}`]);
run('cmake', ['--build', build, '--parallel', '2']);
const library = /^-- datalyr: (.*)$/m.exec(said);
console.log(`@datalyr/api: built ${path.join(build, 'datalyr.node')}` +
  (library ? ` on ${library[1]}` : ''));
