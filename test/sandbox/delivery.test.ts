import { describe, expect, test } from '@jest/globals';
import got from 'got';
import { type DeliveryFaults, Sandbox, type SandboxOptions } from '../../src/sandbox/index.js';
import { A, ADDRESS, MINUTE, MORNING, type Partner, partner, startSandbox } from './helper.js';
import { ended, pushed, type Receiver, startReceiver, turn } from './receiver.js';

const lunch = { since: '2026-11-16T12:00:00+01:00', till: '2026-11-16T13:00:00+01:00' };

async function open(delivery: DeliveryFaults, options: SandboxOptions = {}) {
  const receiver = await startReceiver();
  const clients = pushed(receiver, {}, { notifications: 'both' });
  const sandbox = await startSandbox({ clients, delivery, ...options });
  sandbox.clock.set(MORNING, { stopped: true });
  const send = await partner(sandbox);
  await send('GET', `${A}/calendar`);
  return { receiver, sandbox, send };
}

/** A break that carries a number: the seconds after noon at which it begins. */
const numbered = (n: number) => ({ ...lunch, since: NOON + n * 1_000 });
const NOON = Date.parse(lunch.since);

function addBreaks(sandbox: Sandbox, count: number): void {
  for (let n = 1; n <= count; n++) sandbox.addBreak(ADDRESS, numbered(n));
}

const numberIn = ({ data }: { data: { break: { since: string } } }) =>
  (Date.parse(data.break.since) - NOON) / 1_000;
const pushedNumbers = ({ received }: Receiver) => received.map(({ body }) => numberIn(body));

async function pulledNumbers(send: Partner): Promise<readonly number[]> {
  const { status, body } = await send('GET', '/notifications/multiple?limit=100');
  return status === 404 ? [] : body.notifications.map(numberIn);
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);
const ascending = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

describe('notifications without delivery faults', () => {
  test('are delivered once and in order, pushed and pulled', async () => {
    const { receiver, sandbox, send } = await open({});
    addBreaks(sandbox, 20);
    await ended(sandbox, 20);
    expect(pushedNumbers(receiver)).toEqual(upTo(20));
    expect(await pulledNumbers(send)).toEqual(upTo(20));
  });
});

describe('repeat', () => {
  test('1: pushes and queues each notification twice', async () => {
    const { receiver, sandbox, send } = await open({ repeat: 1 });
    addBreaks(sandbox, 5);
    await ended(sandbox, 10);
    const twice = upTo(5).flatMap((n) => [n, n]);
    expect(pushedNumbers(receiver)).toEqual(twice);
    expect(await pulledNumbers(send)).toEqual(twice);
  });

  test('makes a copy without consequences: it is not retried and cancels no booking', async () => {
    const { receiver, sandbox } = await open({ repeat: 1 });
    const seen: number[] = [];
    receiver.react((body) => {
      seen.push(numberIn(body));
      return seen.length === 1 ? 200 : 500;
    });
    addBreaks(sandbox, 1);
    await ended(sandbox, 2);
    sandbox.clock.advance(60 * MINUTE);
    await turn();
    expect(sandbox.deliveries.map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, 200],
      [1, 500],
    ]);
  });
});

describe('lose', () => {
  test('1: neither pushes nor queues', async () => {
    const { sandbox, send } = await open({ lose: 1 });
    addBreaks(sandbox, 5);
    sandbox.setDelivery({});
    sandbox.addBreak(ADDRESS, numbered(6));
    await ended(sandbox, 1);
    expect(sandbox.deliveries).toHaveLength(1);
    expect(await pulledNumbers(send)).toEqual([6]);
  });

  test('0.5: loses the same notifications for push and pull, and again with the same seed', async () => {
    const runs = await Promise.all(
      [7, 7, 8].map(async (seed) => {
        const { receiver, sandbox, send } = await open({ lose: 0.5 }, { seed });
        addBreaks(sandbox, 40);
        const pulled = await pulledNumbers(send);
        await ended(sandbox, pulled.length);
        expect(pushedNumbers(receiver)).toEqual(pulled);
        return pulled;
      }),
    );
    const [one, again, other] = runs;
    expect(one?.length).toBeGreaterThan(8);
    expect(one?.length).toBeLessThan(32);
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });
});

describe('shuffle', () => {
  test('pushes some after later ones and queues some before earlier ones, and loses none', async () => {
    const { receiver, sandbox, send } = await open({ shuffle: 0.4 });
    addBreaks(sandbox, 40);
    sandbox.clock.advance(5_000);
    await ended(sandbox, 40);
    const [pushes, pulls] = [pushedNumbers(receiver), await pulledNumbers(send)];
    expect(pushes).not.toEqual(upTo(40));
    expect(pulls).not.toEqual(upTo(40));
    expect(ascending(pushes)).toEqual(upTo(40));
    expect(ascending(pulls)).toEqual(upTo(40));
  });

  test('1: waits five seconds for a later push, and is sent without one', async () => {
    const { receiver, sandbox } = await open({ shuffle: 1 });
    addBreaks(sandbox, 1);
    sandbox.clock.advance(4_999);
    await turn();
    expect(sandbox.deliveries).toEqual([]);
    sandbox.clock.advance(1);
    await ended(sandbox, 1);
    expect(pushedNumbers(receiver)).toEqual([1]);
  });
});

describe('delayMs', () => {
  test('delays each push on the sandbox’s clock, and not pulled notifications', async () => {
    const { receiver, sandbox, send } = await open({ delayMs: { min: 1_000, max: 60_000 } });
    addBreaks(sandbox, 20);
    expect(await pulledNumbers(send)).toEqual(upTo(20));
    sandbox.clock.advance(999);
    await turn();
    expect(sandbox.deliveries).toEqual([]);
    sandbox.clock.advance(29_001);
    await turn();
    const early = sandbox.deliveries.length;
    expect(early).toBeGreaterThan(0);
    expect(early).toBeLessThan(20);
    sandbox.clock.advance(30_000);
    await ended(sandbox, 20);
    expect(pushedNumbers(receiver)).not.toEqual(upTo(20));
    expect(ascending(pushedNumbers(receiver))).toEqual(upTo(20));
  });
});

describe('one probability', () => {
  test('does not change the faults of another one', async () => {
    const lost = async (delivery: DeliveryFaults) => {
      const { sandbox, send } = await open(delivery, { seed: 3 });
      addBreaks(sandbox, 30);
      return new Set(await pulledNumbers(send));
    };
    const alone = ascending([...(await lost({ lose: 0.3 }))]);
    expect(alone.length).toBeLessThan(30);
    expect(ascending([...(await lost({ lose: 0.3, repeat: 0.5, shuffle: 0.5 }))])).toEqual(alone);
  });
});

describe('the controls', () => {
  const put = (sandbox: Sandbox, json: object) =>
    got.put(`${sandbox.url}/_sandbox/delivery`, { json, throwHttpErrors: false, retry: { limit: 0 } });

  test('replace all delivery faults, and refuse invalid ones with their path', async () => {
    const { receiver, sandbox } = await open({});
    expect((await put(sandbox, { repeat: 1 })).statusCode).toBe(200);
    addBreaks(sandbox, 1);
    await ended(sandbox, 2);
    expect((await put(sandbox, {})).statusCode).toBe(200);
    sandbox.addBreak(ADDRESS, numbered(2));
    await ended(sandbox, 3);
    expect(pushedNumbers(receiver)).toEqual([1, 1, 2]);
    const wrong = await put(sandbox, { lose: 2 });
    expect([wrong.statusCode, JSON.parse(wrong.body).path]).toEqual([400, 'lose']);
    expect(JSON.parse((await put(sandbox, { delayMs: { min: 2, max: 1 } })).body).path).toBe('delayMs');
    expect(() => new Sandbox({ delivery: { lose: 2 } })).toThrow('delivery.lose');
  });

  test('set clients without an estate', async () => {
    const { sandbox } = await open({});
    const receiver = await startReceiver();
    const json = { clients: pushed(receiver) };
    expect((await got.put(`${sandbox.url}/_sandbox/estate`, { json })).statusCode).toBe(200);
    sandbox.addBreak(ADDRESS, lunch);
    await ended(sandbox, 1);
    expect(receiver.names).toEqual(['break-created']);
    const none = await got.put(`${sandbox.url}/_sandbox/estate`, { json: {}, throwHttpErrors: false });
    expect([none.statusCode, JSON.parse(none.body).path]).toEqual([400, 'facilities']);
  });

  test('end all delivery faults by a reset', async () => {
    const { receiver, sandbox } = await open({ lose: 1 });
    sandbox.reset();
    addBreaks(sandbox, 1);
    await ended(sandbox, 1);
    expect(pushedNumbers(receiver)).toEqual([1]);
  });
});
