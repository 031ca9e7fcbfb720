// SPDX-License-Identifier: MIT
// CommonJS: the module is the class, and has it under two names.
import Datalyr = require('@datalyr/api');

const { Datalyr: Named } = Datalyr;
const client: Datalyr = new Named('dk_your_api_key');
const config: Datalyr.DatalyrConfig = { apiKey: 'dk_x' };

export async function run(): Promise<void> {
  await new Datalyr(config).track({ userId: 'u', event: 'e' });
  await new Datalyr.default('dk_x').close();
  await client.close();
}
