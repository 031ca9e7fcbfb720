// SPDX-License-Identifier: MIT
// The page's TypeScript sample, as printed but for the spaces.
import Datalyr, { DatalyrConfig, TrackOptions } from '@datalyr/api';

const config: DatalyrConfig = {
  apiKey: 'dk_your_api_key',
  debug: true
};

const datalyr = new Datalyr(config);

const options: TrackOptions = {
  userId: 'user_123',
  event: 'purchase',
  properties: {
    revenue: 99.99,
    currency: 'USD'
  }
};

export async function run(): Promise<void> {
  await datalyr.track(options);
}
