// SPDX-License-Identifier: MIT
// track_batch(): lists of 50, ten requests at a time; the caller keeps the list.
import http from 'node:http'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { host, makeEvent, measure } from './work.mjs'

const require = createRequire(pathToFileURL(process.cwd() + '/package.json'))
const mixpanel = require('mixpanel').init('token', {
  host: new URL(host).host, protocol: 'http', keepAlive: true,
})

http.globalAgent.maxSockets = 10

await measure('mixpanel', (events) => new Promise((resolve, reject) => {
  const list = []
  for (let i = 0; i < events; i++) {
    const event = makeEvent(i)
    list.push({ event: event.event, properties: { distinct_id: event.userId, ...event.properties } })
  }
  mixpanel.track_batch(list, { max_batch_size: 50, max_concurrent_requests: 10 },
    (errors) => (errors ? reject(errors[0]) : resolve()))
}))
