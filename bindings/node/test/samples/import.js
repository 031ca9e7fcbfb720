// SPDX-License-Identifier: MIT
const Datalyr = require('@datalyr/api');
const datalyr = new Datalyr({
  apiKey: 'dk_your_api_key',
  flushAt: 50, // Larger batch for imports
  flushInterval: 5000
});

async function importHistoricalData(events) {
  console.log(`Importing ${events.length} events...`);
  for (const event of events) {
    await datalyr.track({
      userId: event.userId,
      event: event.eventName,
      properties: event.properties
    });
  }
  // Ensure all events sent
  await datalyr.flush();
  await datalyr.close();
  console.log('Import complete');
}

// test: so many events
importHistoricalData(Array.from({ length: Number(process.argv[2]) }, (_, i) => (
  { userId: `user_${i % 100}`, eventName: 'imported', properties: { index: i } }
))).then(() => console.log(JSON.stringify(datalyr.stats())));
