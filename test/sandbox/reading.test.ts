// Tests of the read lag of getSlots, and of an address without a calendar.
import { expect, test } from '@jest/globals';
import { SandboxInputError } from '../../src/sandbox/index.js';
import { A, ADDRESS, DAY, partner, patientTimes, period, slotsPath, startSandbox } from './helper.js';

const at = (time: string) => `2026-11-16T${time}:00+01:00`;
const breaksPath = `${A}/breaks?since=${encodeURIComponent(DAY[0])}&till=${encodeURIComponent(DAY[1])}`;

test('getSlots answers from the lagged state, patients see the current state', async () => {
  const sandbox = await startSandbox({ readLagMs: 5_000 });
  const send = await partner(sandbox);
  const shown = async () => {
    const { status, body } = await send('GET', slotsPath(...DAY));
    return status === 404
      ? 'none'
      : body._items.map(({ start }: { start: string }) => start.slice(11, 16)).join(' ');
  };
  await send('PUT', `${A}/slots`, { slots: [period('10:00', '10:30')] });
  expect(await shown()).toBe('none');
  sandbox.clock.advance(2_000);
  const { id } = sandbox.book(ADDRESS, { start: at('10:00'), serviceId: '123' });
  sandbox.addBreak(ADDRESS, { since: at('10:10'), till: at('10:20') });
  expect(patientTimes(sandbox)).toEqual(['10:20']);
  sandbox.clock.advance(2_999);
  expect(await shown()).toBe('none');
  sandbox.clock.advance(1);
  expect(await shown()).toBe('10:00 10:10 10:20');
  sandbox.clock.advance(2_000);
  expect(await shown()).toBe('10:20');
  await send('DELETE', `${A}/bookings/${id}`);
  await send('DELETE', `${A}/slots/2026-11-16`);
  expect(await shown()).toBe('10:20');
  sandbox.clock.advance(5_000);
  expect(await shown()).toBe('none');
});

test('the lag can be set while it runs; lists of bookings and breaks never lag', async () => {
  const sandbox = await startSandbox();
  const send = await partner(sandbox);
  await send('PUT', `${A}/slots`, { slots: [period('10:00', '10:10')] });
  sandbox.setReadLag(60_000);
  sandbox.addBreak(ADDRESS, { since: at('10:00'), till: at('10:10') });
  expect((await send('GET', slotsPath(...DAY))).status).toBe(200);
  expect((await send('GET', breaksPath)).body._items).toHaveLength(1);
  sandbox.setReadLag(0);
  expect((await send('GET', slotsPath(...DAY))).status).toBe(404);
  expect(() => sandbox.setReadLag(-1)).toThrow(SandboxInputError);
});

test.each([
  ['addCalendarBreak', 'POST', `${A}/breaks`, { since: at('12:00'), till: at('13:00') }],
  ['replaceSlots', 'PUT', `${A}/slots`, { slots: [period('10:00', '10:10')] }],
] as const)(
  'an address without a calendar has none to read until %s makes it',
  async (_name, method, path, body) => {
    const address = { id: '789', calendar: 'none' as const, services: [{ id: '123' }] };
    const estate = { facilities: [{ id: '456', doctors: [{ id: '9876', addresses: [address] }] }] };
    const sandbox = await startSandbox({ estate });
    const send = await partner(sandbox);
    for (const reading of [`${A}/calendar`, breaksPath, slotsPath(...DAY)]) {
      expect(await send('GET', reading)).toMatchObject({ status: 404, body: { errors: [] } });
    }
    expect(await send(method, path, body)).toMatchObject({ status: 201 });
    expect(await send('GET', `${A}/calendar`)).toMatchObject({ status: 200, body: { status: 'enabled' } });
    expect(await send('GET', breaksPath)).toMatchObject({ status: 200 });
  },
);
