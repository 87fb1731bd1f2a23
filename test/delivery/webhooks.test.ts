import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Webhooks } from '../../src/delivery/webhooks.js';
import { LOOPBACK, PrivateAddresses } from '../../src/lib/private-addresses.js';
import { freePort } from '../support/free-port.js';
import { Receiver, SECRET } from './receiver.js';

const item = { id: 'ntf_1', data: { patient: { name: 'Planted' } } };

describe('one attempt to deliver', () => {
  const webhooks = new Webhooks({ timeoutMs: 60_000, now: Date.now });
  let receiver: Receiver;
  const send = (url = receiver.url, secret = SECRET) => webhooks.send({ url, secret }, 'ntf_1', item);

  beforeEach(async () => {
    receiver = await Receiver.start();
  });

  afterAll(() => webhooks.close());

  test.each([200, 201, 202, 204, 299])('is taken with %d', async (status) => {
    receiver.answer = () => ({ status });
    expect(await send()).toEqual({ kind: 'taken' });
    expect(receiver.told).toMatchObject([{ id: 'ntf_1', item }]);
  });

  test.each([301, 307, 400, 401, 404, 410, 429, 500, 503])(
    'is refused with %d, and nothing that was said with it is kept',
    async (status) => {
      const elsewhere = await Receiver.start();
      receiver.answer = () => ({ status, headers: { location: elsewhere.url }, body: JSON.stringify(item) });
      expect(await send()).toEqual({ kind: 'refused', reason: `answered ${status}` });
      expect(elsewhere.told).toEqual([]);
      expect(receiver.told).toHaveLength(1);
    },
  );

  test('says for how long the clinic asks to be left alone', async () => {
    receiver.answer = () => ({ status: 503, headers: { 'retry-after': '30' } });
    expect(await send()).toEqual({ kind: 'refused', reason: 'answered 503', pauseMs: 30_000 });
  });

  test('is given up when there is no answer in time', async () => {
    receiver.answer = () => new Promise(() => {});
    const hasty = new Webhooks({ timeoutMs: 200, now: Date.now });
    const sent = await hasty.send({ url: receiver.url, secret: SECRET }, 'ntf_1', item);
    expect(sent).toEqual({ kind: 'refused', reason: 'no answer within 200 ms' });
    hasty.close();
  });

  test('says when nobody is there, or hangs up', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}/`;
    expect(await send(nobody)).toEqual({ kind: 'refused', reason: 'could not be reached (ECONNREFUSED)' });
    receiver.answer = () => undefined;
    expect(await send()).toEqual({ kind: 'refused', reason: 'could not be reached (ECONNRESET)' });
  });

  test('is not made to a private address that was named over HTTP, also where the operator named the same', async () => {
    expect(await send()).toEqual({ kind: 'taken' });
    const destination = { url: receiver.url, secret: SECRET, overHttp: true } as const;
    const reason = 'is at a private address, and network.allowPrivate does not list it';
    expect(await webhooks.send(destination, 'ntf_1', item)).toEqual({ kind: 'refused', reason });
    expect(receiver.told).toHaveLength(1);
    const allowing = new Webhooks({
      timeoutMs: 60_000,
      now: Date.now,
      privateAddresses: new PrivateAddresses(LOOPBACK),
    });
    expect(await allowing.send(destination, 'ntf_1', item)).toEqual({ kind: 'taken' });
    allowing.close();
  });

  test('is taken however long the answer is', async () => {
    receiver.answer = () => ({ status: 200, body: 'x'.repeat(5_000_000) });
    expect(await send()).toEqual({ kind: 'taken' });
  });

  test('is refused by a clinic that knows another secret', async () => {
    expect(await send(receiver.url, 'another')).toEqual({ kind: 'refused', reason: 'answered 401' });
    expect(receiver.refused).toEqual([expect.stringContaining('No matching signature')]);
  });
});
