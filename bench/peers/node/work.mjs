// SPDX-License-Identifier: MIT
// The events of bench/client/work.c, and what every measured peer prints.

export function makeEvent(n) {
  return {
    userId: 'user_' + String(n % 50021).padStart(9, '0'),
    event: 'purchase',
    properties: {
      order_id: 'order_' + String(n).padStart(9, '0'),
      revenue: ((n % 50000) + 1) / 100,
      currency: 'USD',
      product_id: 'prod_456789',
      product_name: 'Ergonomic Office Chair, black',
      quantity: 2,
      category: 'furniture/office',
      coupon: 'SPRING2025',
      is_first_purchase: false,
      utm_source: 'newsletter',
      utm_campaign: 'spring_sale_2025_emea',
      page_url: 'https://shop.example.com/checkout/thanks',
    },
  }
}

export const yieldToLoop = () => new Promise((resolve) => setImmediate(resolve))

// Runs `deliver(events)`, which resolves when all are delivered, and reports.
// The start-up of the process is not in the times.
export async function measure(name, deliver) {
  const events = Number(process.argv[3])
  const cpu = process.cpuUsage()
  const begin = process.hrtime.bigint()
  await deliver(events)
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9
  const used = process.cpuUsage(cpu)
  console.log(JSON.stringify({
    benchmark: name,
    events,
    seconds,
    events_per_second: events / seconds,
    cpu_seconds_per_million: (used.user + used.system) / events,
    peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
  }))
}

// Times each call while nothing is sent: p50 and so on, in nanoseconds.
export function measureCalls(name, call) {
  const events = Number(process.argv[4])
  const samples = new Float64Array(events)
  for (let i = 0; i < events; i++) {
    const event = makeEvent(i)
    const before = process.hrtime.bigint()
    call(event)
    samples[i] = Number(process.hrtime.bigint() - before)
  }
  samples.sort()
  console.log(JSON.stringify({
    benchmark: name,
    events,
    p50: samples[events >> 1],
    p99: samples[events - 1 - Math.floor(events / 100)],
    p99_9: samples[events - 1 - Math.floor(events / 1000)],
    max: samples[events - 1],
  }))
}

export const host = process.argv[2]
export const timesCalls = process.argv[3] === 'calls'
