import { describe, expect, test } from '@jest/globals';
import { getCalendar, listAllCalendars } from '../../src/db/tables/calendars.js';
import { eventually } from '../support/eventually.js';
import { backends } from './backends.js';
import { ACCOUNT, ADDRESS, CALENDAR, foundingExample } from './founding-example.js';
import { openClinic, settled, startEngine, writesTo } from './running.js';

const { date, events } = foundingExample();
const ELSEWHERE = { ...ADDRESS, addressId: '790' };
const config = { publish: { sweepSeconds: 0.3 }, holds: 'off' } as const;

describe.each(backends)('on $name', ({ fresh }) => {
  test('an engine finishes the closing of a former address and of a deleted calendar after a crash of another engine', async () => {
    const place = await fresh();
    const first = await startEngine(place, { config });
    const sandbox = await openClinic(first);
    const clocks = (address: typeof ADDRESS | typeof ELSEWHERE) =>
      sandbox
        .patientView(address, `${date}T00:00:00+01:00`, `${date}T23:59:00+01:00`)
        .map(({ start }) => start.slice(11, 16));
    await first.events(events);
    await settled(first);
    expect(clocks(ADDRESS)).toHaveLength(5);

    // The first response is lost after it was applied.
    const match = { operation: 'deleteSlots' };
    sandbox.faults.set([
      { fault: { kind: 'status', status: 500, applied: true }, match, times: 1 },
      { fault: { kind: 'status', status: 503 }, match },
    ]);
    await first.putCalendar({ id: CALENDAR, account: ACCOUNT, ...ELSEWHERE, strategy: 'slots' });
    await eventually(() => writesTo(sandbox).some(({ operation }) => operation === 'deleteSlots'));
    await eventually(() => clocks(ELSEWHERE).length === 5);
    expect(await first.deleteCalendar(CALENDAR)).toBe('closing');
    expect(await first.status()).toMatchObject({ closing: 2 });
    await first.stop();

    sandbox.faults.clear();
    const second = await startEngine(place, { config, now: () => Date.parse(`${date}T08:00:00+01:00`) });
    await eventually(async () => (await listAllCalendars(second.db)).length === 0);
    expect(await getCalendar(second.db, CALENDAR)).toBeUndefined();
    expect(clocks(ADDRESS)).toEqual([]);
    expect(clocks(ELSEWHERE)).toEqual([]);
    expect(await second.status()).toMatchObject({ closing: 0, failed: 0, pending: 0 });
  });
});
