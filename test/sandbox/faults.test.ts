import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { type FaultRule, Sandbox } from '../../src/sandbox/index.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { ManualTimers } from '../support/manual-timers.js';
import { atEndOfTest } from '../support/release.js';
import {
  A,
  ADDRESS,
  HOUR,
  MORNING,
  type Partner,
  partner,
  patientTimes,
  period,
  startSandbox,
} from './helper.js';

const PAYLOAD = { slots: [period('10:00', '10:30')] };
const put = (send: Partner) => send('PUT', `${A}/slots`, PAYLOAD);

async function with_(...rules: FaultRule[]) {
  const timers = new ManualTimers();
  const sandbox = await startSandbox({ limits: { writesPerMinute: null }, timers });
  const send = await partner(sandbox);
  sandbox.faults.set(rules);
  return { sandbox, send, timers };
}

/** The same request, which its sender can give up. */
function putting(send: Partner) {
  const given = new AbortController();
  const answer = send.http.put(`${A}/slots`.slice(1), { json: PAYLOAD, signal: given.signal }).then(
    () => 'answered',
    () => 'none',
  );
  return { answer, giveUp: () => given.abort() };
}

/** Ends when a request beyond the token's has arrived. */
async function arrival(sandbox: Sandbox): Promise<void> {
  while (sandbox.requests.length < 2) await new Promise(setImmediate);
}

describe('a fault', () => {
  test.each([500, 502, 503, 504])('of status %i applies nothing', async (status) => {
    const { sandbox, send } = await with_({ fault: { kind: 'status', status }, times: 1 });
    expect(await put(send)).toMatchObject({ status, body: { errors: [] } });
    expect(patientTimes(sandbox)).toEqual([]);
    expect(sandbox.requests[1]).toMatchObject({ status, applied: false, fault: `status-${status}` });
    expect((await put(send)).status).toBe(201);
  });

  test('of status 504 is applied with `applied`', async () => {
    const { sandbox, send } = await with_({ fault: { kind: 'status', status: 504, applied: true } });
    expect((await put(send)).status).toBe(504);
    expect(patientTimes(sandbox)).toHaveLength(3);
    expect(sandbox.requests[1]).toMatchObject({ applied: true, fault: 'status-504-applied' });
  });

  test('can have the errors of an entry', async () => {
    const errors = { 'slots[0].end': ['End date should be another.'] };
    const { send } = await with_({
      fault: { kind: 'status', status: 400, errors, message: 'Validation failed.' },
    });
    expect((await put(send)).body).toEqual({ errors, message: 'Validation failed.' });
  });

  test('of 429 has the seconds to wait', async () => {
    const { sandbox, send } = await with_({ fault: { kind: 'too-many', retryAfter: 17 } });
    expect(await put(send)).toMatchObject({
      status: 429,
      headers: { 'retry-after': '17' },
      body: { errors: [] },
    });
    expect(patientTimes(sandbox)).toEqual([]);
  });

  test.each([403, 405] as const)(
    "of the firewall is an HTML page with %i and none of the API's headers",
    async (status) => {
      const { sandbox, send } = await with_({ fault: { kind: 'firewall', status } });
      const answer = await put(send);
      expect(answer).toMatchObject({ status, headers: { 'content-type': 'text/html; charset=UTF-8' } });
      expect(answer.text).toContain('<html>');
      expect(answer.headers).not.toHaveProperty('x-ratelimit-limit');
      expect(patientTimes(sandbox)).toEqual([]);
    },
  );

  test('cuts the connection before the request is applied', async () => {
    const { sandbox, send } = await with_({ fault: { kind: 'cut', when: 'before' } });
    await expect(put(send)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(patientTimes(sandbox)).toEqual([]);
    expect(sandbox.requests[1]).toMatchObject({ status: undefined, applied: false, fault: 'cut-before' });
  });

  test('cuts the connection after the request is applied', async () => {
    const { sandbox, send } = await with_({ fault: { kind: 'cut', when: 'after' } });
    await expect(put(send)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(patientTimes(sandbox)).toHaveLength(3);
    expect(sandbox.requests[1]).toMatchObject({ status: undefined, applied: true, fault: 'cut-after' });
  });

  test.each([
    [false, 0],
    [true, 3],
  ])('sends no response, applied: %s', async (applied, starts) => {
    const { sandbox, send, timers } = await with_({ fault: { kind: 'hang', applied }, times: 1 });
    const { answer, giveUp } = putting(send);
    await arrival(sandbox);
    await timers.advance(HOUR);
    // One that comes later is answered.
    expect((await send('GET', `${A}/calendar`)).status).toBe(200);
    expect(sandbox.requests[1]?.answeredAt).toBeUndefined();
    const left = once(sandbox, 'request');
    giveUp();
    expect(await answer).toBe('none');
    await left;
    expect(patientTimes(sandbox)).toHaveLength(starts);
    expect(sandbox.requests[1]).toMatchObject({ status: undefined, applied });
  });

  test('delays by real milliseconds, and the request is applied even if the client no longer waits', async () => {
    const { sandbox, send, timers } = await with_({ fault: { kind: 'latency', ms: 60_000 } });
    const done = once(sandbox, 'request');
    const { answer, giveUp } = putting(send);
    await timers.sleeping(1);
    giveUp();
    expect(await answer).toBe('none');
    await timers.advance(59_999);
    expect(patientTimes(sandbox)).toEqual([]);
    await timers.advance(1);
    await done;
    expect(patientTimes(sandbox)).toHaveLength(3);
    expect(sandbox.requests[1]).toMatchObject({ applied: true, fault: 'latency' });
  });

  test('ends a delay when the rules are replaced', async () => {
    const { sandbox, send, timers } = await with_({ fault: { kind: 'latency', ms: 60_000 } });
    const { answer } = putting(send);
    await timers.sleeping(1);
    expect(patientTimes(sandbox)).toEqual([]);
    sandbox.faults.set([]);
    expect(await answer).toBe('answered');
    expect(patientTimes(sandbox)).toHaveLength(3);
  });

  test('sends the headers at once and the body slowly', async () => {
    const { sandbox, send, timers } = await with_({
      fault: { kind: 'slow-body', ms: 60_000 },
      match: { operation: 'getCalendar' },
    });
    const stream = send.http.stream(`${A}/calendar`.slice(1));
    const chunks: Buffer[] = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    const text = () => Buffer.concat(chunks).toString();
    const end = once(stream, 'end');
    await once(stream, 'response');
    await timers.sleeping(1);
    expect(text()).toBe('');
    await timers.advance(12_000);
    await eventually(() => text() === '{"st');
    sandbox.faults.clear();
    await end;
    expect(text()).toBe('{"status":"enabled"}');
  });

  test('adds to a latency, and the first rule that triggers decides', async () => {
    const { sandbox, send, timers } = await with_(
      { fault: { kind: 'latency', ms: 1 } },
      { fault: { kind: 'cut', when: 'after' } },
      { fault: { kind: 'status', status: 500 } },
    );
    const { answer } = putting(send);
    await timers.sleeping(1);
    await timers.advance(1);
    expect(await answer).toBe('none');
    expect(sandbox.requests[1]?.fault).toBe('latency+cut-after');
  });

  test('applies to the token endpoint, too', async () => {
    const sandbox = await startSandbox();
    sandbox.faults.set([{ fault: { kind: 'status', status: 503 }, match: { operation: 'token' } }]);
    await expect(partner(sandbox)).rejects.toMatchObject({ response: { statusCode: 503 } });
  });
});

describe('stop', () => {
  test('ends waiting and unanswered requests and frees the port; start retains the state', async () => {
    const port = await freePort();
    const sandbox = new Sandbox({ now: () => MORNING, limits: { writesPerMinute: null } });
    atEndOfTest(() => sandbox.stop());
    await sandbox.start({ port });
    const send = await partner(sandbox);
    await put(send);
    sandbox.faults.set([{ fault: { kind: 'hang' } }]);
    const hanging = expect(send('GET', `${A}/calendar`)).rejects.toMatchObject({ code: 'ECONNRESET' });
    while (sandbox.requests.length < 3) await new Promise(setImmediate);
    await Promise.all([sandbox.stop(), sandbox.stop()]);
    await hanging;
    expect(() => sandbox.url).toThrow();
    sandbox.faults.clear();
    expect(await sandbox.start({ port })).toBe(`http://127.0.0.1:${port}`);
    expect(patientTimes(sandbox)).toHaveLength(3);
    expect((await send('GET', `${A}/calendar`)).status).toBe(200);
  });

  test('does not apply a request that still waits', async () => {
    const { sandbox, send } = await with_({ fault: { kind: 'latency', ms: 60_000 } });
    const waiting = expect(put(send)).rejects.toThrow();
    await arrival(sandbox);
    await sandbox.stop();
    await waiting;
    expect(patientTimes(sandbox)).toEqual([]);
  });

  test('rejects a port that is in use', async () => {
    const one = await startSandbox();
    const other = await startSandbox();
    await other.stop();
    await expect(other.start({ port: Number(new URL(one.url).port) })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });
});

describe('a rule', () => {
  const fault = { kind: 'status', status: 500 } as const;
  const statuses = async (send: Partner, n: number) => {
    const found: number[] = [];
    for (let i = 0; i < n; i++) found.push((await send('DELETE', `${A}/slots/2026-11-16`)).status);
    return found;
  };

  test('triggers `times` times, after `after` matching requests', async () => {
    const { sandbox, send } = await with_({ fault, after: 1, times: 2 });
    expect(await statuses(send, 5)).toEqual([204, 500, 500, 204, 204]);
    expect(sandbox.faults.rules).toMatchObject([{ seen: 5, acted: 2 }]);
  });

  test.each([
    ['operation', { operation: 'deleteSlots' }],
    ['method', { method: 'delete' }],
    ['path', { path: '/slots/2026' }],
    ['client', { client: 'clinic' }],
    ['address', ADDRESS],
  ])('applies only to requests that its %s matches', async (_what, match) => {
    const { sandbox, send } = await with_({ fault, match });
    const other = await partner(sandbox, 'other');
    expect((await send('DELETE', `${A}/slots/2026-11-16`)).status).toBe(500);
    const elsewhere = '/facilities/456/doctors/9876/addresses/1/calendar';
    expect((await other('GET', elsewhere)).status).toBe(200);
  });

  test('draws equally from an equal seed regardless of other rules, and differently from another seed', async () => {
    const run = async (seed: number, rules: FaultRule[]) => {
      const sandbox = await startSandbox({ seed, limits: { writesPerMinute: null } });
      const send = await partner(sandbox);
      sandbox.faults.set(rules);
      return statuses(send, 40);
    };
    const half: FaultRule = { fault, probability: 0.5 };
    const first = await run(7, [half]);
    expect(await run(7, [half])).toEqual(first);
    expect(
      await run(7, [half, { fault: { kind: 'latency', ms: { min: 0, max: 0 } }, probability: 0.5 }]),
    ).toEqual(first);
    expect(await run(8, [half])).not.toEqual(first);
    expect(first.filter((status) => status === 500).length).toBeGreaterThan(8);
    expect(first.filter((status) => status === 204).length).toBeGreaterThan(8);
  });

  test('draws its latency from the seed, too', async () => {
    const rules: FaultRule[] = [{ fault: { kind: 'latency', ms: { min: 10, max: 20 } } }];
    const draw = (sandbox: Sandbox) => {
      sandbox.faults.set(rules);
      const target = {
        operation: 'getSlots',
        method: 'GET',
        path: '/',
        client: undefined,
        address: undefined,
      };
      return Array.from({ length: 5 }, () => sandbox.faults.draw(target).latency);
    };
    const latencies = draw(await startSandbox({ seed: 3 }));
    expect(draw(await startSandbox({ seed: 3 }))).toEqual(latencies);
    expect(Math.min(...latencies)).toBeGreaterThanOrEqual(10);
    expect(Math.max(...latencies)).toBeLessThanOrEqual(20);
    expect(new Set(latencies).size).toBe(5);
  });
});
