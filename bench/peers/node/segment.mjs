// SPDX-License-Identifier: MIT
// Best settings found: 500 events a request; the caller yields every 100.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { host, makeEvent, measure, measureCalls, timesCalls, yieldToLoop } from './work.mjs'

const require = createRequire(pathToFileURL(process.cwd() + '/package.json'))
const { Analytics } = require('@segment/analytics-node')

const analytics = new Analytics({
  writeKey: 'key', host, path: '/v1/batch',
  flushAt: timesCalls ? 10000000 : 500, flushInterval: timesCalls ? 3600000 : 1000,
})

if (timesCalls) {
  measureCalls('segment', (event) => analytics.track(event))
  process.exit(0)
}
await measure('segment', async (events) => {
  for (let i = 0; i < events; i++) {
    analytics.track(makeEvent(i))
    if (i % 100 === 99) await yieldToLoop()
  }
  await analytics.closeAndFlush()
})
