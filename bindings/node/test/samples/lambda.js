// SPDX-License-Identifier: MIT
const Datalyr = require('@datalyr/api');
// Initialize outside handler for connection reuse
const datalyr = new Datalyr('dk_your_api_key');

exports.handler = async (event) => {
  const body = JSON.parse(event.body);
  await datalyr.track({
    userId: body.userId,
    event: 'api_request',
    properties: {
      endpoint: event.path,
      method: event.httpMethod
    }
  });
  // Flush before function exits
  await datalyr.flush();
  return {
    statusCode: 200,
    body: JSON.stringify({ success: true })
  };
};
