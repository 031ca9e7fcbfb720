// SPDX-License-Identifier: MIT
// Best settings found: 500 events a request, no gzip; the caller awaits a flush
// every 1000.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { host, makeEvent, measure, measureCalls, timesCalls } from './work.mjs'

const require = createRequire(pathToFileURL(process.cwd() + '/package.json'))
const { PostHog } = require('posthog-node')

const posthog = new PostHog('phc_key', {
  host, flushAt: timesCalls ? 10000000 : 500, maxBatchSize: 500,
  flushInterval: timesCalls ? 3600000 : 1000, maxQueueSize: 10000000,
  disableCompression: true, disableGeoip: true,
})
const capture = (event) => posthog.capture({
  distinctId: event.userId, event: event.event, properties: event.properties,
})

if (timesCalls) {
  measureCalls('posthog', capture)
  process.exit(0)
}
await measure('posthog', async (events) => {
  for (let i = 0; i < events; i++) {
    capture(makeEvent(i))
    if (i % 1000 === 999) await posthog.flush()
  }
  await posthog.shutdown(60000)
})
