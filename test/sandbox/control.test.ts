import { describe, expect, test } from '@jest/globals';
import got, { type Method } from 'got';
import type { Sandbox } from '../../src/sandbox/index.js';
import { A, answered, DAY, MORNING, partner, period, startSandbox } from './helper.js';

const control = async (sandbox: Sandbox, method: Method, path: string, body?: unknown) => {
  const payload = body === undefined ? {} : typeof body === 'string' ? { body } : { json: body };
  const options = {
    method,
    throwHttpErrors: false,
    retry: { limit: 0 },
    responseType: 'text',
    ...payload,
  } as const;
  return answered(await got(`${sandbox.url}/_sandbox${path}`, options));
};
const PLACE = 'facility=456&doctor=9876&address=789';
const RANGE = `from=${encodeURIComponent(DAY[0])}&to=${encodeURIComponent(DAY[1])}`;
const NAMES = { facility: '456', doctor: '9876', address: '789' };

describe('the controls, over HTTP and without a key', () => {
  test('list the requests after one, the bookable starts and the work periods', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    await send('PUT', `${A}/slots`, { slots: [period('10:00', '10:20')] });
    const { requests } = (await control(sandbox, 'GET', '/requests?after=1')).body;
    expect(requests).toMatchObject([
      {
        n: 2,
        method: 'PUT',
        path: `/api/v3/integration${A}/slots`,
        operation: 'replaceSlots',
        client: 'clinic',
        userAgent: expect.stringContaining('got'),
        status: 201,
        applied: true,
        receivedAt: MORNING,
      },
    ]);
    expect(requests[0].body).toEqual({ slots: [period('10:00', '10:20')] });
    expect((await control(sandbox, 'GET', `/patient?${PLACE}&${RANGE}`)).body.starts).toEqual([
      { start: '2026-11-16T10:00:00+01:00', services: ['123'] },
      { start: '2026-11-16T10:10:00+01:00', services: ['123'] },
    ]);
    expect((await control(sandbox, 'GET', `/slots?${PLACE}&${RANGE}`)).body.slots).toEqual([
      {
        start: '2026-11-16T10:00:00+01:00',
        end: '2026-11-16T10:20:00+01:00',
        services: [{ id: '123', duration: 10 }],
        insurance: { accepted: 'with-and-without-insurance', providers: [], plans: [] },
      },
    ]);
  });

  test('set and remove an estate', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    const estate = { facilities: [{ id: '1', doctors: [] }], clients: [{ id: 'clinic', secret: 's3cret' }] };
    expect((await control(sandbox, 'PUT', '/estate', estate)).status).toBe(200);
    expect((await send('GET', `${A}/calendar`)).status).toBe(403);
    expect((await control(sandbox, 'DELETE', '/estate')).status).toBe(200);
    expect((await send('GET', `${A}/calendar`)).status).toBe(200);
  });

  test('set and clear faults', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    const rules = [{ fault: { kind: 'status', status: 502 }, match: { operation: 'getCalendar' } }];
    expect((await control(sandbox, 'PUT', '/faults', { rules, seed: 5 })).body).toMatchObject({
      rules: [{ seen: 0, acted: 0 }],
    });
    expect((await send('GET', `${A}/calendar`)).status).toBe(502);
    expect((await control(sandbox, 'GET', '/faults')).body).toMatchObject({
      rules: [{ rule: rules[0], acted: 1 }],
    });
    await control(sandbox, 'DELETE', '/faults');
    expect((await send('GET', `${A}/calendar`)).status).toBe(200);
  });

  test('set and advance the time, which expires the token', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    expect((await control(sandbox, 'POST', '/time', { advanceMs: 3_600_000 })).body).toEqual({
      now: '2026-11-16T08:00:00.000Z',
    });
    expect((await send('GET', `${A}/calendar`)).status).toBe(401);
    const set = { now: '2026-12-24T18:00:00+01:00', stopped: true };
    expect((await control(sandbox, 'POST', '/time', set)).body).toEqual({ now: '2026-12-24T17:00:00.000Z' });
    expect((await control(sandbox, 'GET', '/time')).body).toEqual({ now: '2026-12-24T17:00:00.000Z' });
  });

  test('book, move and cancel as a patient, and manage breaks as a doctor', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    await send('PUT', `${A}/slots`, { slots: [period('10:00', '10:30')] });
    const booked = await control(sandbox, 'POST', '/bookings', {
      ...NAMES,
      service: '123',
      start: '2026-11-16T10:00:00+01:00',
    });
    expect(booked).toMatchObject({ status: 201, body: { status: 'booked', booked_by: 'user' } });
    const moved = await control(sandbox, 'POST', `/bookings/${booked.body.id}/move`, {
      start: '2026-11-16T10:10:00+01:00',
    });
    expect(moved).toMatchObject({ status: 201, body: { start_at: '2026-11-16T10:10:00+01:00' } });
    expect(await control(sandbox, 'DELETE', `/bookings/${booked.body.id}`)).toMatchObject({
      status: 409,
      body: { reason: 'cancel: over' },
    });
    expect((await control(sandbox, 'DELETE', `/bookings/${moved.body.id}`)).body.status).toBe('canceled');
    expect((await control(sandbox, 'GET', `/bookings?${PLACE}`)).body.bookings).toHaveLength(2);

    const range = { since: '2026-11-16T10:00:00+01:00', till: '2026-11-16T10:30:00+01:00' };
    const made = await control(sandbox, 'POST', '/breaks', { ...NAMES, ...range });
    expect(made.status).toBe(201);
    expect((await control(sandbox, 'GET', `/patient?${PLACE}&${RANGE}`)).body.starts).toEqual([]);
    const shorter = { ...range, till: '2026-11-16T10:10:00+01:00' };
    expect((await control(sandbox, 'PATCH', `/breaks/${made.body.id}`, shorter)).body.till).toBe(
      shorter.till,
    );
    expect((await control(sandbox, 'DELETE', `/breaks/${made.body.id}`)).status).toBe(200);
    expect((await control(sandbox, 'GET', `/breaks?${PLACE}`)).body.breaks).toEqual([]);
  });

  test('set limits, revoke tokens and reset everything', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    await control(sandbox, 'PUT', '/limits', { requestsPerHour: 1 });
    await send('GET', `${A}/calendar`);
    expect((await send('GET', `${A}/calendar`)).status).toBe(429);
    await control(sandbox, 'PUT', '/limits', { requestsPerHour: null });
    await control(sandbox, 'POST', '/tokens/revoke');
    expect((await send('GET', `${A}/calendar`)).status).toBe(401);
    await control(sandbox, 'POST', '/reset');
    expect(sandbox.requests).toEqual([]);
  });

  test.each<[string, Method, string, unknown, string, RegExp]>([
    ['a missing address', 'GET', '/patient?facility=1&doctor=2', undefined, 'address', /missing/],
    [
      'an instant without an offset',
      'GET',
      `/patient?${PLACE}&from=2026-11-16&to=2026-11-17`,
      undefined,
      'from',
      /instant/,
    ],
    ['a number that is none', 'GET', '/requests?after=x', undefined, 'after', /whole number/],
    [
      'an unknown fault',
      'PUT',
      '/faults',
      { rules: [{ fault: { kind: 'gremlin' } }] },
      'rules[0].fault.kind',
      /./,
    ],
    [
      'a probability of 2',
      'PUT',
      '/faults',
      { rules: [{ fault: { kind: 'hang' }, probability: 2 }] },
      'rules[0].probability',
      /./,
    ],
    [
      'an estate without services',
      'PUT',
      '/estate',
      { facilities: [{ id: '1', doctors: [{ id: '2', addresses: [{ id: '3' }] }] }] },
      'facilities[0].doctors[0].addresses[0].services',
      /./,
    ],
    ['no time', 'POST', '/time', {}, 'now', /instant/],
    ['a body that is no JSON', 'POST', '/time', '{"now"', '', /JSON/],
    ['a word too many', 'POST', '/bookings', { ...NAMES, service: '1', start: 0, when: 1 }, '', /when/],
  ])('refuse %s with its path and reason', async (_what, method, path, body, at, reason) => {
    const answer = await control(await startSandbox(), method, path, body);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({ path: at, reason: expect.stringMatching(reason) });
  });
});

describe('the request log', () => {
  test('retains the newest, and emits an event for each', async () => {
    const sandbox = await startSandbox({ keepRequests: 2 });
    const seen: number[] = [];
    sandbox.on('request', ({ n }) => seen.push(n));
    const send = await partner(sandbox);
    await send('GET', `${A}/calendar`);
    await send('GET', `${A}/calendar`);
    expect(seen).toEqual([1, 2, 3]);
    expect(sandbox.requests.map(({ n }) => n)).toEqual([2, 3]);
  });

  test('records that a write overlaps an earlier one to its address only while the client of the earlier one waits', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    sandbox.faults.set([{ fault: { kind: 'latency', ms: 60_000 }, times: 1 }]);
    const first = send.http.delete(`${A}/slots/2026-11-16`.slice(1)).catch(() => undefined);
    while (sandbox.requests.length < 2) await new Promise(setImmediate);
    await send('DELETE', `${A}/slots/2026-11-16`);
    await send('DELETE', `${A.replace('789', '790')}/slots/2026-11-16`);
    await send('GET', `${A}/calendar`);
    sandbox.faults.clear();
    await first;
    await send('DELETE', `${A}/slots/2026-11-16`);
    expect(sandbox.requests.slice(2).map(({ overlaps }) => overlaps)).toEqual([[2], [], [], []]);
  });
});
