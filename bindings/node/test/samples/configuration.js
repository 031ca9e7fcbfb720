// SPDX-License-Identifier: MIT
const Datalyr = require('@datalyr/api');

// With configuration
const datalyr = new Datalyr({
  apiKey: 'dk_your_api_key',
  host: 'https://ingest.datalyr.com/track',
  debug: true,
  flushAt: 20, // Flush after 20 events
  flushInterval: 10000, // Or every 10 seconds
  timeout: 10000, // Request timeout (ms)
  retryLimit: 3, // Max retry attempts
  maxQueueSize: 1000 // Max queued events
});

module.exports = datalyr;
