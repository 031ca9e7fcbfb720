// SPDX-License-Identifier: MIT
import Datalyr, { Datalyr as Named, DatalyrError } from '@datalyr/api';

const datalyr = new Datalyr('dk_your_api_key');
await datalyr.track({ userId: 'user_123', event: 'from_a_module' });
try {
  await new Named('dk_your_api_key').track({ event: 'nobody' });
} catch (error) {
  console.log(error instanceof DatalyrError);
}
await datalyr.close();
