// SPDX-License-Identifier: MIT
// Best settings found: flushAt 20, no gzip; the caller awaits a flush every 20.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { host, makeEvent, measure, measureCalls, timesCalls } from './work.mjs'

const require = createRequire(pathToFileURL(process.cwd() + '/package.json'))
const module = require('@rudderstack/rudder-sdk-node')
const RudderAnalytics = module.default ?? module

const rudder = new RudderAnalytics('key', {
  dataPlaneUrl: host, flushAt: timesCalls ? 1000 : 20, gzip: false,
  flushInterval: timesCalls ? 3600000 : 1000,
})

if (timesCalls) {
  measureCalls('rudder', (event) => rudder.track(event))
  process.exit(0)
}
await measure('rudder', async (events) => {
  for (let i = 0; i < events; i++) {
    rudder.track(makeEvent(i))
    if (i % 20 === 19) await rudder.flush()
  }
  await rudder.flush()
})
process.exit(0)
