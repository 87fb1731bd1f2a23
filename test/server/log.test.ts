// The log of the HTTP API contains no request headers and no properties of errors.
import { once } from 'node:events';
import { connect } from 'node:net';
import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import { createLog } from '../../src/lib/log.js';
import { postgresDatabase } from '../db/databases.js';
import { startEngine } from '../engine/running.js';
import { KEY, serve } from './served.js';

const PLANTED = 'planted-s3cret';
const HEADERS = { authorization: `Bearer ${PLANTED}`, 'x-api-key': PLANTED };

const recorded = () => {
  const lines: string[] = [];
  return { lines, log: createLog('trace', { write: (line) => void lines.push(line) }) };
};

test('the log contains no Authorization and no X-Api-Key, also after failed requests', async () => {
  const { lines, log } = recorded();
  const engine = await startEngine({ databaseUrl: await postgresDatabase() }, { log });
  const call = await serve(engine);
  for (const [method, path, body] of [
    ['GET', '/v1/accounts'],
    ['GET', '/v1/%zz'],
    ['GET', '/nothing'],
    ['POST', '/v1/events', '{"broken'],
    ['POST', '/v1/accounts/nobody/notifications', '{}'],
  ] as const) {
    expect((await call(method, path, body, HEADERS)).status).toBeGreaterThanOrEqual(400);
  }
  const { port, hostname } = new URL(call.url);
  const socket = connect(Number(port), hostname);
  socket.end(
    `GET /v1/accounts HTTP/9.9\r\nAuthorization: Bearer ${PLANTED}\r\nX-Api-Key: ${PLANTED}\r\n\r\n`,
  );
  await once(socket.resume(), 'close');
  await engine.stop();
  expect((await call('GET', '/v1/status', undefined, { 'x-api-key': PLANTED })).status).toBe(500);
  expect(lines.join('')).toContain('a request failed');
  for (const secret of [PLANTED, KEY]) expect(lines.join('')).not.toContain(secret);
});

test('a logged error contains nothing of its cause, its library, or a credential in its text', () => {
  const { lines, log } = recorded();
  const options = { headers: { ...HEADERS }, password: PLANTED };
  const cause = Object.assign(new Error(`sent ${PLANTED}`), { options });
  const error = Object.assign(new Error(`Invalid header value "Bearer ${PLANTED}"`, { cause }), { options });
  expect(inspect(error)).toContain(PLANTED);
  log.error({ err: error }, 'failed');
  log.error({ err: new AggregateError([error, new Error(`api_key=${PLANTED}`, { cause })]) }, 'failed');
  log.error({ req: { headers: HEADERS }, options, deep: { request: { headers: HEADERS } } }, 'failed');
  expect(lines).toHaveLength(3);
  expect(lines.join('')).not.toContain(PLANTED);
  expect(lines[0]).toContain('Invalid header value \\"Bearer ***');
});
