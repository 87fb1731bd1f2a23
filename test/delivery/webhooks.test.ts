import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Webhooks } from '../../src/delivery/webhooks.js';
import { LOOPBACK, PrivateAddresses } from '../../src/lib/private-addresses.js';
import { freePort } from '../support/free-port.js';
import { Receiver, SECRET } from './receiver.js';

const item = { id: 'ntf_1', data: { patient: { name: 'Planted' } } };

describe('one attempt of a delivery', () => {
  const webhooks = new Webhooks({ timeoutMs: 60_000, now: Date.now });
  let receiver: Receiver;
  const send = (url = receiver.url, secret = SECRET) => webhooks.send({ url, secret }, 'ntf_1', item);

  beforeEach(async () => {
    receiver = await Receiver.start();
  });

  afterAll(() => webhooks.close());

  test.each([200, 201, 202, 204, 299])('is accepted with %d', async (status) => {
    receiver.answer = () => ({ status });
    expect(await send()).toEqual({ kind: 'accepted' });
    expect(receiver.received).toMatchObject([{ id: 'ntf_1', item }]);
  });

  test.each([301, 307, 400, 401, 404, 410, 429, 500, 503])(
    'fails with %d, and nothing of the response is retained',
    async (status) => {
      const elsewhere = await Receiver.start();
      receiver.answer = () => ({ status, headers: { location: elsewhere.url }, body: JSON.stringify(item) });
      expect(await send()).toEqual({ kind: 'failed', reason: `answered ${status}` });
      expect(elsewhere.received).toEqual([]);
      expect(receiver.received).toHaveLength(1);
    },
  );

  test('reports the pause that the clinic requests', async () => {
    receiver.answer = () => ({ status: 503, headers: { 'retry-after': '30' } });
    expect(await send()).toEqual({ kind: 'failed', reason: 'answered 503', pauseMs: 30_000 });
  });

  test('fails when there is no response in time', async () => {
    receiver.answer = () => new Promise(() => {});
    const impatient = new Webhooks({ timeoutMs: 200, now: Date.now });
    const sent = await impatient.send({ url: receiver.url, secret: SECRET }, 'ntf_1', item);
    expect(sent).toEqual({ kind: 'failed', reason: 'no answer within 200 ms' });
    impatient.close();
  });

  test('reports a refused and a closed connection', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}/`;
    expect(await send(nobody)).toEqual({ kind: 'failed', reason: 'could not be reached (ECONNREFUSED)' });
    receiver.answer = () => undefined;
    expect(await send()).toEqual({ kind: 'failed', reason: 'could not be reached (ECONNRESET)' });
  });

  test('is not sent to a private address that was put over HTTP, also where the operator configured the same', async () => {
    expect(await send()).toEqual({ kind: 'accepted' });
    const destination = { url: receiver.url, secret: SECRET, overHttp: true } as const;
    const reason = 'is at a private address, and network.allowPrivate does not list it';
    expect(await webhooks.send(destination, 'ntf_1', item)).toEqual({ kind: 'failed', reason });
    expect(receiver.received).toHaveLength(1);
    const allowing = new Webhooks({
      timeoutMs: 60_000,
      now: Date.now,
      privateAddresses: new PrivateAddresses(LOOPBACK),
    });
    expect(await allowing.send(destination, 'ntf_1', item)).toEqual({ kind: 'accepted' });
    allowing.close();
  });

  test('is accepted however long the response is', async () => {
    receiver.answer = () => ({ status: 200, body: 'x'.repeat(5_000_000) });
    expect(await send()).toEqual({ kind: 'accepted' });
  });

  test('fails at a clinic with another secret', async () => {
    expect(await send(receiver.url, 'another')).toEqual({ kind: 'failed', reason: 'answered 401' });
    expect(receiver.refused).toEqual([expect.stringContaining('No matching signature')]);
  });
});
