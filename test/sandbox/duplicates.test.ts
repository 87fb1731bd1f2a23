import { describe, expect, test } from '@jest/globals';
import { A, ADDRESS, MINUTE, MORNING, partner, patientTimes, period, startSandbox } from './helper.js';

const FREE = { slots: [period('10:00', '10:30')] };
const TAKEN = { slots: [period('10:00', '10:10'), period('10:20', '10:30')] };

describe('the duplicate rule', () => {
  test('ignores a return to free within three minutes, so that the marketplace stays on booked with three 201', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    for (const payload of [FREE, TAKEN, FREE]) {
      expect((await send('PUT', `${A}/slots`, payload)).status).toBe(201);
    }
    expect(patientTimes(sandbox)).toEqual(['10:00', '10:20']);
    expect(sandbox.requests.slice(1).map(({ applied, ignored }) => ({ applied, ignored }))).toEqual([
      { applied: true, ignored: false },
      { applied: true, ignored: false },
      { applied: false, ignored: true },
    ]);
  });

  test('ignores a return to booked within three minutes, so that an occupied time stays bookable', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    for (const payload of [TAKEN, FREE, TAKEN]) await send('PUT', `${A}/slots`, payload);
    expect(patientTimes(sandbox)).toEqual(['10:00', '10:10', '10:20']);
  });

  test('ends three minutes after the first was finished, which a repeat does not prolong', async () => {
    let now = MORNING;
    const sandbox = await startSandbox({ now: () => now });
    const send = await partner(sandbox);
    await send('PUT', `${A}/slots`, FREE);
    await send('PUT', `${A}/slots`, TAKEN);
    now += 3 * MINUTE - 1;
    await send('PUT', `${A}/slots`, FREE);
    expect(patientTimes(sandbox)).toEqual(['10:00', '10:20']);
    now += 1;
    await send('PUT', `${A}/slots`, FREE);
    expect(patientTimes(sandbox)).toEqual(['10:00', '10:10', '10:20']);
  });

  test('applies after a deleteSlots in between', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    await send('PUT', `${A}/slots`, FREE);
    await send('DELETE', `${A}/slots/2026-11-16`);
    expect((await send('PUT', `${A}/slots`, FREE)).status).toBe(201);
    expect(patientTimes(sandbox)).toEqual([]);
  });

  test('ignores the order of keys and white space', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    await send('PUT', `${A}/slots`, FREE);
    await send('PUT', `${A}/slots`, TAKEN);
    const reordered = FREE.slots.map(({ start, end, address_services }) => ({
      address_services,
      end,
      start,
    }));
    await send('PUT', `${A}/slots`, JSON.stringify({ slots: reordered }, null, 4));
    expect(patientTimes(sandbox)).toEqual(['10:00', '10:20']);
  });

  test.each([
    ['a split entry', [period('10:00', '10:20'), period('10:20', '10:30')]],
    ['another order of entries', [period('10:20', '10:30'), period('10:00', '10:20')]],
    [
      'the same instants with another offset',
      [{ ...period('10:00', '10:30'), start: '2026-11-16T09:00:00+00:00' }],
    ],
  ])('treats %s as a different payload', async (_what, slots) => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    await send('PUT', `${A}/slots`, FREE);
    if (slots.length === 2) await send('PUT', `${A}/slots`, { slots: [...slots].reverse() });
    await send('PUT', `${A}/slots`, TAKEN);
    await send('PUT', `${A}/slots`, { slots });
    expect(patientTimes(sandbox)).toEqual(['10:00', '10:10', '10:20']);
  });

  test('is separate for each address', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    await send('PUT', `${A}/slots`, FREE);
    await send('PUT', '/facilities/456/doctors/9876/addresses/790/slots', FREE);
    expect(patientTimes(sandbox, { ...ADDRESS, addressId: '790' })).toEqual(['10:00', '10:10', '10:20']);
  });

  test('does not record a payload that was refused or had a fault before it was applied', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    sandbox.faults.set([{ fault: { kind: 'status', status: 503 }, times: 1 }]);
    expect((await send('PUT', `${A}/slots`, FREE)).status).toBe(503);
    expect((await send('PUT', `${A}/slots`, FREE)).status).toBe(201);
    expect(patientTimes(sandbox)).toHaveLength(3);
  });

  test('records an applied payload whose response was lost', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    sandbox.faults.set([{ fault: { kind: 'cut', when: 'after' }, times: 1 }]);
    await expect(send('PUT', `${A}/slots`, FREE)).rejects.toThrow();
    await send('PUT', `${A}/slots`, TAKEN);
    await send('PUT', `${A}/slots`, FREE);
    expect(patientTimes(sandbox)).toEqual(['10:00', '10:20']);
  });

  test('answers 429 while the first is still being processed, and lets another payload through', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    sandbox.faults.set([
      { fault: { kind: 'latency', ms: 60_000 }, times: 1, match: { operation: 'replaceSlots' } },
    ]);
    const first = send('PUT', `${A}/slots`, FREE);
    while (sandbox.requests.length < 2) await new Promise(setImmediate);
    expect(await send('PUT', `${A}/slots`, FREE)).toMatchObject({ status: 429, body: { errors: [] } });
    expect((await send('PUT', `${A}/slots`, TAKEN)).status).toBe(201);
    sandbox.faults.clear();
    expect((await first).status).toBe(201);
    const [, late, refused, other] = sandbox.requests;
    expect(late).toMatchObject({ applied: true, fault: 'latency' });
    expect(refused).toMatchObject({ applied: false, ignored: false, overlaps: [late?.n] });
    expect(other).toMatchObject({ applied: true, overlaps: [late?.n] });
  });

  test('can be switched off', async () => {
    const sandbox = await startSandbox({ duplicates: false });
    const send = await partner(sandbox);
    for (const payload of [FREE, TAKEN, FREE]) await send('PUT', `${A}/slots`, payload);
    expect(patientTimes(sandbox)).toHaveLength(3);
  });
});
