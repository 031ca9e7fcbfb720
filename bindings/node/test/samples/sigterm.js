// SPDX-License-Identifier: MIT
const Datalyr = require('@datalyr/api');
// Create single SDK instance
const datalyr = new Datalyr('dk_your_api_key');

// Ensure events sent before process exits
process.on('SIGTERM', async () => {
  await datalyr.close();
  process.exit(0);
});

// test: some work, and then waiting for the signal
for (let i = 0; i < 7; i++) {
  datalyr.track({ userId: 'user_123', event: 'before_signal', properties: { i } });
}
setInterval(() => {}, 1000);
console.log('ready');
