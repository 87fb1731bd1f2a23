import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { Transport } from '../../src/docplanner/transport.js';
import { eventually } from '../support/eventually.js';
import { atEndOfTest } from '../support/release.js';

test('a connection is reused at once, and closed when it idles, before the server closes it', async () => {
  let opened = 0;
  let closed = 0;
  const server = createServer({ keepAliveTimeout: 600_000 }, (_request, response) => response.end('{}'));
  server.on('connection', (socket) => {
    opened += 1;
    socket.on('close', () => {
      closed += 1;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const transport = new Transport({ timeoutMs: 60_000, maxAnswerBytes: 1_000 });
  atEndOfTest(async () => {
    await transport.close();
    server.close();
  });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const context = { account: 'warsaw', operation: 'replaceSlots', method: 'PUT', path: '/' } as const;
  const put = () => transport.exchange({ method: 'PUT', url, headers: {}, body: '{}' }, context);
  expect([(await put()).status, (await put()).status, opened]).toEqual([200, 200, 1]);
  await eventually(() => closed === 1);
  expect((await put()).status).toBe(200);
  expect(opened).toBe(2);
});
