// SPDX-License-Identifier: MIT
'use strict';

// The package as a user gets it: packed, installed into a folder of his own,
// built there, and used.
const assert = require('assert');
const { spawnSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { test } = require('node:test');

const { Server } = require('./support/server');
const { start } = require('./support/program');

const root = path.join(__dirname, '..');

function run(command, args, options) {
  const done = spawnSync(command, args, { encoding: 'utf8', ...options });
  assert.strictEqual(done.status, 0, `${command} ${args.join(' ')}: ${done.stdout}${done.stderr}`);
  return done.stdout;
}

const hasSources = fs.existsSync(path.join(root, '..', '..', 'src', 'CMakeLists.txt'));

test('npm pack and npm install make a package that builds from its own sources',
  { skip: hasSources ? false : 'the repository is not around this package' }, async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'datalyr-package-'));
    const server = await Server.start();
    try {
      const [{ filename }] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder],
        { cwd: root }));
      fs.writeFileSync(path.join(folder, 'package.json'), '{"private":true}');
      run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', `./${filename}`],
        { cwd: folder, env: { ...process.env, DATALYR_NODE_LIBRARY: 'sources' } });
      fs.writeFileSync(path.join(folder, 'use.js'), `
        const Datalyr = require('@datalyr/api');
        const datalyr = new Datalyr('dk_x');
        datalyr.track({ userId: 'u', event: 'packed' }).then(() => datalyr.close());`);
      const ended = await start([path.join(folder, 'use.js')], { DATALYR_HOST: server.url,
        DATALYR_NODE_ADDON: '' }).ended;
      assert.strictEqual(ended.stderr, '');
      assert.strictEqual(server.events[0].event, 'packed');
      assert.ok(!fs.existsSync(path.join(root, 'library')));
    } finally {
      await server.stop();
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });
