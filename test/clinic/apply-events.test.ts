import { describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { applyEvents } from '../../src/clinic/apply-events.js';
import { LOWEST_PRIORITY } from '../../src/core/index.js';
import { findBookings, upsertBookings } from '../../src/db/tables/bookings.js';
import { putCalendar } from '../../src/db/tables/calendars.js';
import { listDays, recordPublishedDays } from '../../src/db/tables/days.js';
import { recordEvents } from '../../src/db/tables/events.js';
import { acquireLease } from '../../src/db/tables/leases.js';
import { findBookingsToSync } from '../../src/db/tables/linked-bookings.js';
import { listWindows } from '../../src/db/tables/windows.js';
import { listAppointments } from '../db/appointments.js';
import { account, calendar, ENCRYPTOR, NOW, window } from '../db/seed-rows.js';
import { useDatabase } from '../db/use-database.js';
import { eventually } from '../support/eventually.js';

const DAY = '2026-11-16';
const NEXT = '2026-11-17';
const services = [{ id: '123', duration: 10 }];
let events = 0;
const nextId = () => `evt-${++events}`;

/** Wall-clock times of a day in Warsaw. */
const occupied = (ref: string, start: string, end: string, more: object = {}) => ({
  id: nextId(),
  type: 'occupied',
  calendar: 'nowak',
  ref,
  start: start.includes('T') ? start : `${DAY}T${start}`,
  end: end.includes('T') ? end : `${DAY}T${end}`,
  ...more,
});
const released = (ref: string, more: object = {}) => ({
  id: nextId(),
  type: 'released',
  calendar: 'nowak',
  ref,
  ...more,
});
const available = (from: string, to: string, windows: readonly object[], more: object = {}) => ({
  id: nextId(),
  type: 'available',
  calendar: 'nowak',
  from,
  to,
  windows,
  ...more,
});
const open = (start: string, end: string) => ({ start, end, services });

describe('applied events', () => {
  const record = useDatabase();

  const apply = async (...batch: unknown[]) => (await applyEvents(record.db, batch, NOW.getTime())).result;
  const clean = (accepted: number) => ({
    accepted,
    duplicates: 0,
    stale: 0,
    ignored: 0,
    past: 0,
    rejected: [],
    warnings: [],
    differing: [],
  });

  async function taken(): Promise<Record<string, string>> {
    const busy = await listAppointments(record.db, 'nowak');
    const clock = (at: Date) => new Date(at.getTime() + 3_600_000).toISOString().slice(5, 16);
    return Object.fromEntries(busy.map(({ ref, start, end }) => [ref, `${clock(start)} ${clock(end)}`]));
  }

  /** How often each day changed, as far as it is known. */
  async function generations(): Promise<Record<string, number>> {
    const days = await listDays(record.db, 'nowak', '2026-01-01', '2027-12-31');
    return Object.fromEntries(days.map(({ date, generation }) => [date, generation]));
  }

  const openBothDays = () =>
    apply(
      available(DAY, NEXT, [open(`${DAY}T08:00`, `${DAY}T18:00`), open(`${NEXT}T08:00`, `${NEXT}T18:00`)]),
    );

  test('the same id again changes nothing, in another batch and in the same one', async () => {
    await openBothDays();
    const event = occupied('apt', '10:30', '10:40');
    expect(await apply(event, { ...event, end: `${DAY}T12:00` })).toMatchObject({
      accepted: 1,
      duplicates: 1,
    });
    const before = await generations();
    expect(await apply({ ...event, ref: 'other' })).toMatchObject({ accepted: 0, duplicates: 1 });
    expect(await taken()).toEqual({ apt: '11-16T10:30 11-16T10:40' });
    expect(await generations()).toEqual(before);
  });

  test('an id that another transaction records meanwhile counts once', async () => {
    const event = occupied('apt', '10:00', '10:10');
    const other = await record.db.startTransaction().execute();
    await recordEvents(other, [{ id: event.id, content: 'another content' }], NOW);
    const applying = apply(event);
    const waiting = sql`SELECT FROM pg_locks WHERE NOT granted AND pid IN (
      SELECT pid FROM pg_stat_activity WHERE datname = current_database())`;
    await eventually(async () => (await waiting.execute(record.db)).rows.length > 0);
    await other.commit().execute();
    expect(await applying).toMatchObject({ ...clean(0), duplicates: 1, differing: [{ id: event.id }] });
    expect(await taken()).toEqual({});
  });

  test('an occupancy may last for years', async () => {
    await openBothDays();
    const before = await generations();
    const leave = occupied('leave', '1999-01-01T00:00', '9999-01-01T00:00', { kind: 'block' });
    expect(await apply(leave)).toEqual(clean(1));
    const changed = Object.entries(await generations()).filter(([date, n]) => n !== (before[date] ?? 0));
    expect(changed.map(([date]) => date)).toEqual([DAY, NEXT]);
    expect(await apply(released('leave'))).toEqual(clean(1));
    expect(await taken()).toEqual({});
  });

  test('an occupancy of zero length is ignored, and the stored state of its ref stays', async () => {
    await openBothDays();
    await apply(occupied('apt', '10:00', '10:10'));
    const before = await generations();
    const empty = occupied('apt', '11:00', '11:00', { version: 9 });
    expect(await apply(empty, occupied('new', '12:00', '12:00'))).toEqual({ ...clean(0), ignored: 2 });
    expect(await apply(empty)).toEqual({ ...clean(0), duplicates: 1 });
    expect(await taken()).toEqual({ apt: '11-16T10:00 11-16T10:10' });
    expect(await generations()).toEqual(before);
    expect(await apply(occupied('apt', '12:00', '12:10', { version: 1 }))).toEqual(clean(1));
  });

  test('an event wholly in the past is accepted and counted', async () => {
    const past = occupied('old', '2020-01-01T10:00', '2020-01-01T10:10');
    const windows = available('2020-01-01', '2020-01-02', [open('2020-01-01T08:00', '2020-01-01T18:00')]);
    const leave = occupied('leave', '2020-01-01T10:00', `${NEXT}T10:10`);
    expect(await apply(past, windows, leave, released('leave'))).toEqual({ ...clean(4), past: 2 });
  });

  test('a lower version than the stored one is stale, an equal one is not', async () => {
    await openBothDays();
    await apply(occupied('apt', '10:00', '10:10', { version: 5 }));
    const before = await generations();
    expect(await apply(occupied('apt', '11:00', '11:10', { version: 4 }))).toEqual({ ...clean(0), stale: 1 });
    expect(await apply(released('apt', { version: 4 }))).toEqual({ ...clean(0), stale: 1 });
    expect(await taken()).toEqual({ apt: '11-16T10:00 11-16T10:10' });
    expect(await generations()).toEqual(before);
    expect(await apply(occupied('apt', '12:00', '12:10', { version: 5 }))).toEqual(clean(1));
    expect(await taken()).toEqual({ apt: '11-16T12:00 11-16T12:10' });
  });

  describe('a booking', () => {
    const IDS = ['1', '2', '3'];

    /** Bookings of patients, each linked to an appointment or to none. */
    const booked = (refs: Record<string, string | null>) =>
      upsertBookings(
        Object.entries(refs).map(([id, ref]) => ({
          calendar: 'nowak',
          id,
          status: 'booked' as const,
          start: new Date(`${DAY}T09:00+01:00`),
          end: new Date(`${DAY}T09:10+01:00`),
          service: null,
          bookedBy: 'user',
          placeholder: false,
          ref,
          refStart: null,
          movedTo: null,
          failed: null,
        })),
        NOW,
      )?.execute(record.db);
    const links = async () => {
      const found = await findBookings(record.db, 'nowak', IDS);
      return Object.fromEntries([...found].map(([id, { ref }]) => [id, ref]));
    };
    const link = (booking: string, ref: string, more: object = {}) =>
      occupied(ref, '09:00', '09:10', { booking, ...more });

    test('is linked by its appointment, and an appointment has one', async () => {
      await booked({ 1: null, 2: 'apt', 3: 'other' });
      await apply(link('1', 'apt'));
      expect(await links()).toEqual({ 1: 'apt', 2: null, 3: 'other' });
      expect(await findBookingsToSync(record.db, 'nowak', new Date(0))).toEqual([]);
      await apply(occupied('apt', '11:00', '11:10'));
      expect(await findBookingsToSync(record.db, 'nowak', new Date(0))).toMatchObject([
        { booking: { id: '1' } },
      ]);
    });

    test.each([
      ['09:05', '09:15', 1],
      ['08:00', '09:01', 1],
      ['09:10', '09:20', 0],
      ['08:50', '09:00', 0],
    ])('conflicts with an appointment from %s to %s: %d', async (start, end, count) => {
      await booked({ 1: null });
      const events = [occupied('apt', start, end)];
      const { added } = await applyEvents(record.db, events, NOW.getTime(), { encryptor: ENCRYPTOR });
      expect(added).toHaveLength(count);
    });

    test('is not changed by a lower version', async () => {
      await apply(released('gone', { version: 5 }), occupied('apt', '09:00', '09:10', { version: 5 }));
      await booked({ 1: null, 2: 'apt', 3: 'gone' });
      expect(await apply(link('1', 'apt', { version: 4 }))).toEqual({ ...clean(0), stale: 1 });
      expect(await links()).toEqual({ 1: null, 2: 'apt', 3: 'gone' });
      // It is not cancelled either, by an appointment that was over before it was known.
      expect(await apply(link('3', 'gone', { version: 4 }))).toEqual({ ...clean(0), stale: 1 });
      expect(await findBookingsToSync(record.db, 'nowak', new Date(0))).toEqual([]);
    });

    test.each([
      ['the last appointment of a booking counts', ['1 a', '1 b'], { 1: 'b', 2: null, 3: null }],
      ['the last booking of an appointment counts', ['1 a', '2 a'], { 1: null, 2: 'a', 3: null }],
      ['also where that goes on to another', ['1 a', '2 a', '2 b'], { 1: null, 2: 'b', 3: null }],
      ['where they change places', ['1 a', '2 b', '2 a', '1 b'], { 1: 'b', 2: 'a', 3: null }],
      ['where it comes back', ['1 a', '2 a', '1 a'], { 1: 'a', 2: null, 3: null }],
      ['where it only passed through', ['3 a', '3 x'], { 1: null, 2: 'b', 3: 'x' }],
    ])('of one batch: %s', async (_, pairs, expected) => {
      const before = { 1: 'a', 2: 'b', 3: null };
      const events = () =>
        pairs.map((pair) => {
          const [booking = '', ref = ''] = pair.split(' ');
          return link(booking, ref);
        });
      await booked(before);
      await apply(...events());
      expect(await links()).toEqual(expected);
      await booked(before);
      for (const event of events()) await apply(event);
      expect(await links()).toEqual(expected);
    });
  });

  test('an appointment that is released before it is occupied stays released, by its version', async () => {
    expect(await apply(released('apt', { version: 4 }))).toEqual(clean(1));
    expect(await apply(occupied('apt', '10:00', '10:10', { version: 3 }))).toEqual({ ...clean(0), stale: 1 });
    expect(await taken()).toEqual({});
    expect(await apply(occupied('apt', '10:00', '10:10', { version: 5 }))).toEqual(clean(1));
    expect(await taken()).toEqual({ apt: '11-16T10:00 11-16T10:10' });
  });

  test('an event without a version counts as the newest and retains the stored version', async () => {
    await apply(occupied('apt', '10:00', '10:10', { version: 5 }));
    expect(await apply(occupied('apt', '11:00', '11:10'))).toEqual(clean(1));
    expect(await apply(occupied('apt', '12:00', '12:10', { version: 4 }))).toMatchObject({ stale: 1 });
    expect(await taken()).toEqual({ apt: '11-16T11:00 11-16T11:10' });
  });

  test('a batch is applied in its order', async () => {
    const result = await apply(
      occupied('a', '10:00', '10:10'),
      occupied('b', '10:00', '10:10', { version: 2 }),
      occupied('a', '11:00', '11:10'),
      occupied('b', '12:00', '12:10', { version: 1 }),
      released('a'),
      occupied('a', '13:00', '13:10'),
    );
    expect(result).toEqual({ ...clean(5), stale: 1 });
    expect(await taken()).toEqual({ a: '11-16T13:00 11-16T13:10', b: '11-16T10:00 11-16T10:10' });
  });

  test('the same ref in two calendars is two appointments', async () => {
    await putCalendar(record.db, calendar({ id: 'lis', doctorId: '2' }), NOW);
    await apply(occupied('apt', '10:00', '10:10', { calendar: 'lis', version: 9 }));
    expect(await apply(occupied('apt', '11:00', '11:10', { version: 1 }))).toEqual(clean(1));
    expect(await taken()).toEqual({ apt: '11-16T11:00 11-16T11:10' });
  });

  test('only the days that a change touches are marked', async () => {
    await openBothDays();
    expect(await generations()).toEqual({ [DAY]: 1, [NEXT]: 1 });
    await apply(occupied('apt', '10:30', '10:40'));
    expect(await generations()).toEqual({ [DAY]: 2, [NEXT]: 1 });
    await apply(occupied('apt', `${NEXT}T10:30`, `${NEXT}T10:40`));
    expect(await generations()).toEqual({ [DAY]: 3, [NEXT]: 2 });
    await apply(occupied('apt', `${NEXT}T10:30`, `${NEXT}T10:40`, { kind: 'block' }));
    await apply(released('nobody'));
    expect(await generations()).toEqual({ [DAY]: 3, [NEXT]: 2 });
    await apply(occupied('night', `${DAY}T23:00`, `${NEXT}T01:00`));
    expect(await generations()).toEqual({ [DAY]: 4, [NEXT]: 3 });
    await apply(occupied('late', `${DAY}T22:00`, `${NEXT}T00:00`));
    expect(await generations()).toEqual({ [DAY]: 5, [NEXT]: 3 });
  });

  test('buffers reach into the next day', async () => {
    await putCalendar(record.db, calendar({ bufferAfter: 30 }), NOW);
    await openBothDays();
    await apply(occupied('late', '23:00', '23:45'));
    expect(await generations()).toEqual({ [DAY]: 2, [NEXT]: 2 });
  });

  test('repeated windows mark no day dirty, in any order', async () => {
    const morning = open(`${DAY}T08:00`, `${DAY}T12:00`);
    const evening = open(`${DAY}T14:00`, `${DAY}T18:00`);
    await apply(available(DAY, DAY, [morning, evening]));
    await apply(available(DAY, DAY, [evening, morning]));
    expect(await generations()).toEqual({ [DAY]: 1 });
    await apply(available(DAY, DAY, [evening]));
    expect(await generations()).toEqual({ [DAY]: 2 });
  });

  test('windows replace those of their dates, also by none, and do not change others', async () => {
    await openBothDays();
    await apply(available(NEXT, NEXT, []));
    expect(await listWindows(record.db, 'nowak', DAY, NEXT)).toEqual([window(DAY, '08:00', '18:00')]);
    expect(await generations()).toEqual({ [DAY]: 1, [NEXT]: 2 });
  });

  test('a window over midnight is cut there, and lies in both days', async () => {
    await apply(available(DAY, NEXT, [open(`${DAY}T22:00`, `${NEXT}T02:00`)]));
    expect(await listWindows(record.db, 'nowak', DAY, NEXT)).toEqual([
      { ...window(DAY, '22:00', '23:00'), end: new Date(`${NEXT}T00:00+01:00`) },
      window(NEXT, '00:00', '02:00'),
    ]);
  });

  test('wall-clock times are resolved in the account’s zone, on both sides of a clock change', async () => {
    await apply(
      occupied('summer', '2026-10-24T10:00', '2026-10-24T10:10'),
      occupied('winter', '2026-10-26T10:00', '2026-10-26T10:10'),
    );
    const busy = await listAppointments(record.db, 'nowak');
    expect(busy.map(({ start }) => start.toISOString())).toEqual([
      '2026-10-24T08:00:00.000Z',
      '2026-10-26T09:00:00.000Z',
    ]);
  });

  test('occupancy that arrives before the windows counts when they arrive', async () => {
    await apply(occupied('apt', '10:30', '10:40'));
    expect(await generations()).toEqual({});
    await openBothDays();
    expect(await generations()).toEqual({ [DAY]: 1, [NEXT]: 1 });
    expect(await taken()).toEqual({ apt: '11-16T10:30 11-16T10:40' });
  });

  test('an invalid event is rejected with its path and reason, and valid ones are committed', async () => {
    const result = await apply(
      occupied('good', '10:00', '10:10'),
      occupied('backwards', '11:00', '10:00'),
      null,
      { id: 'evt-x', type: 'canceled', calendar: 'nowak' },
      occupied('lost', '10:00', '10:10', { id: 'evt-lost', calendar: 'nobody' }),
      occupied('unreadable', '10:00', 'yesterdayT'),
      occupied('fractional', '10:00', '10:10', { version: 1.5 }),
      available(DAY, DAY, [{ start: `${DAY}T10:00`, end: `${DAY}T11:00`, services: [] }]),
      available(DAY, DAY, [open(`${NEXT}T10:00`, `${NEXT}T11:00`)]),
      available(NEXT, DAY, []),
      released('also good'),
    );
    expect(result).toMatchObject({ accepted: 2, duplicates: 0, stale: 0 });
    expect(result.rejected.map(({ index, reason }) => [index, reason])).toEqual([
      [1, 'end: is not after the start'],
      [2, expect.stringMatching(/expected object/)],
      [3, expect.stringMatching(/^type: /)],
      [4, 'calendar: there is no calendar "nobody"'],
      [5, expect.stringMatching(/^end: must be an instant/)],
      [6, expect.stringMatching(/^version: /)],
      [7, expect.stringMatching(/^windows\[0\]\.services: /)],
      [8, `windows[0].end: lies after ${DAY}`],
      [9, expect.stringMatching(/^to: /)],
    ]);
    expect(result.rejected[0]?.id).toMatch(/^evt-/);
    expect(result.rejected[1]?.id).toBeNull();
    expect(await taken()).toEqual({ good: '11-16T10:00 11-16T10:10' });
  });

  test.each([
    ['9999-12-30', '9999-12-31'],
    ['0001-01-01', '0001-01-02'],
    ['2026-01-01', '2027-06-01'],
  ])('windows from %s to %s are rejected', async (from, to) => {
    expect(await apply(available(from, to, []))).toMatchObject({ accepted: 0, rejected: [{ index: 0 }] });
  });

  test('a rejected event may be sent again under its id once it is valid', async () => {
    const event = occupied('apt', '10:10', '10:00');
    expect(await apply(event)).toMatchObject({ accepted: 0, rejected: [{ id: event.id }] });
    expect(await apply({ ...event, end: `${DAY}T10:20` })).toEqual(clean(1));
  });

  test.each(['a\u0000b', '\ud800', 'line\nbreak'])(
    'a ref that no database can keep (%j) is rejected by itself, not with its batch',
    async (ref) => {
      const result = await apply(occupied(ref, '10:00', '10:10'), occupied('good', '11:00', '11:10'));
      expect(result).toMatchObject({
        accepted: 1,
        rejected: [{ index: 0, reason: 'ref: has characters that cannot be stored' }],
      });
    },
  );

  test('a change enqueues its calendar once, with the highest of its priorities, until a worker acquires it', async () => {
    await openBothDays();
    await acquireLease(record.db, 'nowak', 'worker', 1);
    const jobsOf = async (...batch: unknown[]) =>
      (await applyEvents(record.db, batch, NOW.getTime())).jobsToEnqueue;
    const [first, ...others] = await jobsOf(
      occupied('far', `${NEXT}T10:00`, `${NEXT}T10:10`),
      occupied('near', '10:00', '10:10'),
    );
    expect(others).toEqual([]);
    expect(first).toMatchObject({ calendar: 'nowak' });
    expect(await jobsOf(occupied('later', '12:00', '12:10'))).toEqual([]);
    const [nearer] = await jobsOf(occupied('nearer', '09:00', '09:10'));
    expect(nearer?.priority).toBeLessThan(first?.priority ?? 0);
    expect(nearer?.priority).toBeLessThan(LOWEST_PRIORITY);
    await recordPublishedDays(
      record.db,
      calendar(),
      account(),
      [{ date: DAY, generation: 99, slots: [], verified: true }],
      NOW,
    );
    expect(await jobsOf(released('nobody'))).toEqual([]);
  });
});
