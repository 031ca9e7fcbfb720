// SPDX-License-Identifier: MIT
// The same names in an ES module.
import Datalyr, { Datalyr as Named, DatalyrConfig, DatalyrError, TrackOptions } from '@datalyr/api';

const config: DatalyrConfig = { apiKey: 'dk_your_api_key' };
const options: TrackOptions = { userId: 'user_123', event: 'purchase' };
const datalyr: Datalyr = new Named(config);

try {
  await datalyr.track(options);
} catch (error) {
  if (error instanceof DatalyrError) {
    console.error(error.code);
  }
}
