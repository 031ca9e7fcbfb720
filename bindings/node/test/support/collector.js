// SPDX-License-Identifier: MIT
'use strict';

// A datalyrd of the build beside this package (DATALYR_BIN), with a store that
// goes away with it.
const { spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const readline = require('readline');

const BIN = process.env.DATALYR_BIN ||
  path.join(__dirname, '..', '..', '..', '..', 'build', 'bin');
const program = path.join(BIN, 'datalyrd');

/** Why tests with a collector cannot run; false when they can. */
const missing = fs.existsSync(program) ? false : `there is no ${program}; set DATALYR_BIN`;

class Collector {
  static async start() {
    const collector = new Collector();
    collector.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'datalyr-node-'));
    collector.process = spawn(program, ['--listen', '127.0.0.1:0', '--api-key', 'dk_your_api_key',
      '--store', `sqlite:${path.join(collector.folder, 'events.db')}`]);
    for await (const line of readline.createInterface(collector.process.stdout)) {
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(line);
      if (address) {
        [collector.address] = address;
        break;
      }
    }
    collector.process.stdout.resume();
    collector.process.stderr.resume();
    collector.url = `${collector.address}/track`;
    return collector;
  }

  async ask(route) {
    const answer = await fetch(this.address + route);
    if (!answer.ok) {
      throw new Error(`${route}: ${answer.status} ${await answer.text()}`);
    }
    return answer.json();
  }

  /** The stored events of that name, oldest first. */
  async events(name) {
    const { events } = await this.ask(`/api/v1/events?limit=1000&event=${encodeURIComponent(name)}`);
    return events.sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
  }

  async stop() {
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGTERM');
    await ended;
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

module.exports = { Collector, missing };
