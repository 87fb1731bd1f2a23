// Slow clients at the HTTP API over a real socket: they delay neither the server nor its stop without limit.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Slotkeeper } from '../../src/engine.js';
import { createApp } from '../../src/server/app.js';
import { postgresDatabase } from '../db/databases.js';
import { startEngine } from '../engine/running.js';
import { ManualTimers } from '../support/manual-timers.js';
import { atEndOfTest } from '../support/release.js';
import { KEY } from './served.js';

const timers = new ManualTimers();
let engine: Slotkeeper;

beforeAll(async () => {
  engine = await startEngine({ databaseUrl: await postgresDatabase() }, { timers, now: timers.now });
});

async function listening(receiveMs?: number) {
  const app = createApp({ engine, apiKey: KEY, ...(receiveMs === undefined ? {} : { receiveMs }) });
  const arrived = new Promise<void>((resolve) => {
    app.addHook('onRequest', async () => resolve());
  });
  atEndOfTest(() => app.close());
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
  return { app, arrived, port: Number(port) };
}

async function sending(port: number, text: string): Promise<{ socket: Socket; answer: Promise<string> }> {
  const socket = connect(port, '127.0.0.1');
  atEndOfTest(async () => void socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  let got = '';
  socket.setEncoding('utf8').on('data', (text) => {
    got += text;
  });
  socket.write(text);
  return { socket, answer: once(socket, 'close').then(() => got) };
}

const begun = `POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${KEY}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n`;

describe('a request that does not arrive in time', () => {
  test.each([
    ['its body', `${begun}\r\n{"events":[`],
    ['its headers', begun],
  ])('is answered 408 and its connection is closed: %s', async (_, text) => {
    const { port } = await listening(100);
    const answer = await (await sending(port, text)).answer;
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('content-type: application/problem+json');
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ status: 408 });
  });
});

test('malformed HTTP is answered 400', async () => {
  const { port } = await listening();
  expect(await (await sending(port, 'nonsense\r\n\r\n')).answer).toMatch(/^HTTP\/1\.1 400 .*problem\+json/s);
});

test('a stopping server destroys the connections of slow clients after a grace period', async () => {
  const { app, port, arrived } = await listening();
  const { answer } = await sending(port, `${begun}\r\n{"events":[`);
  await arrived;
  const closing = app.close();
  await timers.sleeping();
  await timers.advance(8_000);
  await closing;
  expect(await answer).toBe('');
});
