// SPDX-License-Identifier: MIT
// Every call of the page and of 1.3.1, and that mistakes are seen.
import Datalyr, { Datalyr as Named, DatalyrError } from '@datalyr/api';

export async function run(): Promise<void> {
  const simple: Datalyr = new Datalyr('dk_your_api_key');
  const named: Named = new Named({
    apiKey: 'dk_your_api_key', host: 'https://ingest.datalyr.com/track',
    debug: true, flushAt: 20, flushInterval: 10000, timeout: 10000,
    retryLimit: 3, maxQueueSize: 1000, closeTimeout: 30000,
    onError: (event, error) => console.error(event.eventId, error.message),
    onDrop: (events, reason) => console.error(events.length, reason),
    maxRequestsPerSecond: 'unlimited', settings: { flush_at: '500' }
  });

  await simple.track({ userId: 'u', event: 'e', eventId: 'id', timestamp: new Date() });
  await simple.track('u', 'e', { a: 1 });
  await simple.track(null, 'e');
  await simple.identify('u', { email: 'a@b.example' }, 'anon_1');
  await simple.identify('u', {}, { eventId: 'id', timestamp: 1772600767 });
  await simple.group('u', 'g', { name: 'Acme' });
  await simple.page('u', 'Landing Page', { url: 'https://example.com' });
  await simple.alias('new', 'old');
  await simple.trackPurchase('u', { value: 9.5, currency: 'eur', order_id: 'x' }, { eventId: 'e1' });
  await simple.trackPurchase(null, { value: 1 });
  await simple.flush({ timeout: 500 });
  const id: string = simple.getAnonymousId();
  const delivered: number = simple.stats().delivered;
  console.log(id, delivered, simple.stats().dropped.queue_overflow);
  await named.close();

  try {
    await simple.track({ userId: 'u', event: 'e' });
  } catch (error) {
    if (error instanceof DatalyrError) {
      console.error(error.code, error.reason, error.message);
    }
  }

  // @ts-expect-error: an event needs a name
  await simple.track({ userId: 'u' });
  // @ts-expect-error: an option that does not exist
  new Datalyr({ apiKey: 'dk_x', flushEvery: 1 });
  // @ts-expect-error: a purchase needs a value
  await simple.trackPurchase('u', { currency: 'USD' });
  // @ts-expect-error: a user id is text
  await simple.identify(5);
}
