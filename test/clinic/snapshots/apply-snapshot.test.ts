import { beforeEach, describe, expect, test } from '@jest/globals';
import { putAccount } from '../../../src/db/tables/accounts.js';
import { findBookingsToSync } from '../../../src/db/tables/linked-bookings.js';
import { deleteExpiredReleases } from '../../../src/db/tables/snapshots.js';
import { listAppointments } from '../../db/appointments.js';
import { account, ENCRYPTOR, NOW } from '../../db/seed-rows.js';
import { useDatabase } from '../../db/use-database.js';
import { at, Clinic, DAY, NEXT, open, taken } from './snapshot-fixture.js';

const nothing = {
  changedDays: 0,
  occupied: 0,
  released: 0,
  unchanged: 0,
  stale: 0,
  staleDates: 0,
  ignored: 0,
  rejected: [],
  warnings: [],
  held: null,
};

describe('a snapshot into the record', () => {
  const record = useDatabase();
  let clinic: Clinic;

  beforeEach(async () => {
    clinic = new Clinic(record.db);
  });

  describe('that is complete', () => {
    test('takes the others where one takes no time, which is ignored and stays as it is known', async () => {
      await clinic.occupied(0, 'moved', '09:00', '09:10');
      const occupancy = [
        taken('new', '10:00', '10:10'),
        taken('empty', '11:00', '11:00'),
        taken('moved', '12:00', '12:00'),
      ];
      expect(await clinic.snapshot(1, { occupancy })).toMatchObject({ occupied: 1, released: 0, ignored: 2 });
      expect(Object.keys(await clinic.taken())).toEqual(['moved', 'new']);
    });

    test('may have a leave of years, also one that a newer complete snapshot left out', async () => {
      const leave = taken('leave', '2020-01-01T00:00', '9999-01-01T00:00');
      expect(await clinic.snapshot(1, { occupancy: [leave] })).toMatchObject({ occupied: 1 });
      expect(await clinic.snapshot(2, { occupancy: [leave] })).toMatchObject({ occupied: 0, unchanged: 1 });
      expect(await clinic.snapshot(3, { occupancy: [] })).toMatchObject({ released: 1 });
      expect(await clinic.snapshot(2, { occupancy: [leave] })).toMatchObject({ occupied: 0, stale: 1 });
    });

    test('is the whole truth for its dates: windows are replaced, what is missing is released', async () => {
      await clinic.available(0, DAY, NEXT, [open(DAY), open(NEXT)]);
      await clinic.occupied(0, 'stays', '09:00', '09:10');
      await clinic.occupied(0, 'goes', '10:00', '10:10');
      await clinic.occupied(0, 'moves', '11:00', '11:10');
      await clinic.occupied(0, 'another day', `${NEXT}T10:00`, `${NEXT}T10:10`);
      const marked = await clinic.marked(async () => {
        const result = await clinic.snapshot(1, {
          windows: [open(DAY, '08:00', '16:00')],
          occupancy: [
            taken('stays', '09:00', '09:10'),
            taken('moves', '12:00', '12:10'),
            taken('is new', '13:00', '13:10'),
          ],
        });
        expect(result).toEqual({ ...nothing, changedDays: 1, occupied: 2, released: 1, unchanged: 1 });
      });
      expect(marked).toEqual([DAY]);
      expect(await clinic.taken()).toEqual({
        stays: '11-16T09:00 11-16T09:10',
        moves: '11-16T12:00 11-16T12:10',
        'is new': '11-16T13:00 11-16T13:10',
        'another day': '11-17T10:00 11-17T10:10',
      });
      expect(await clinic.windows()).toEqual(['11-16T08:00 11-16T16:00', '11-17T08:00 11-17T18:00']);
    });

    test('marks nothing where nothing is news, in whatever order it comes', async () => {
      const body = {
        to: NEXT,
        windows: [
          open(DAY, '08:00', '12:00'),
          open(DAY, '08:00', '12:00', { services: [{ id: '9', duration: 30 }] }),
          open(DAY, '14:00', '18:00'),
        ],
        occupancy: [
          taken('a', '09:00', '09:10'),
          taken('b', '10:00', '10:10', { kind: 'block', service: 9 }),
        ],
      };
      expect(await clinic.snapshot(0, body)).toEqual({ ...nothing, changedDays: 2, occupied: 2 });
      const again = {
        ...body,
        windows: [...body.windows].reverse(),
        occupancy: [...body.occupancy].reverse(),
      };
      const marked = await clinic.marked(async () => {
        expect(await clinic.snapshot(1, again)).toEqual({ ...nothing, unchanged: 2 });
      });
      expect(marked).toEqual([]);
    });

    test('makes dates known that nobody spoke of before, also without windows', async () => {
      const say = () => clinic.snapshot(0, { to: '2026-11-18', windows: [open(NEXT)] });
      expect(await clinic.marked(say)).toEqual([DAY, NEXT, '2026-11-18']);
      expect(await clinic.marked(say)).toEqual([]);
    });

    test('releases what reaches into its dates from outside, and marks every day that this frees', async () => {
      await clinic.available(0, '2026-11-15', NEXT, [open('2026-11-15'), open(DAY), open(NEXT)]);
      await clinic.occupied(0, 'weekend', '2026-11-14T12:00', '08:00');
      await clinic.occupied(0, 'night', '23:00', `${NEXT}T01:00`);
      await clinic.occupied(0, 'touches', `${NEXT}T00:00`, `${NEXT}T01:00`);
      expect(await clinic.snapshot(1, { windows: [open(DAY)] })).toEqual({
        ...nothing,
        changedDays: 3,
        released: 2,
      });
      expect(Object.keys(await clinic.taken())).toEqual(['touches']);
    });

    test('keeps what reaches out of its dates as it is, where it is named', async () => {
      await clinic.occupied(0, 'night', '23:00', `${NEXT}T01:00`);
      await clinic.snapshot(1, { occupancy: [taken('night', '23:00', `${NEXT}T01:00`)] });
      const next = { from: NEXT, to: NEXT, occupancy: [] };
      // Taken before the other, so it knows less of what both see.
      expect(await clinic.snapshot(2, { ...next, takenAt: at(0.5) })).toMatchObject({
        released: 0,
        stale: 1,
      });
      expect(await clinic.snapshot(3, next)).toMatchObject({ released: 1 });
    });

    test('reads wall-clock times in the account’s zone, and its dates are as long as they are', async () => {
      await putAccount(record.db, account({ timeZone: 'America/Santiago' }), NOW, ENCRYPTOR);
      // On 2026-09-06 the clock skips the first hour of the day.
      await clinic.snapshot(0, {
        from: '2026-09-06',
        to: '2026-09-06',
        windows: [open('2026-09-06', '00:30', '02:00')],
        occupancy: [
          { ref: 'first', start: '2026-09-06T01:00', end: '2026-09-06T01:10' },
          { ref: 'before', start: '2026-09-05T23:00', end: '2026-09-06T00:00' },
        ],
      });
      const busy = await listAppointments(record.db, 'nowak');
      expect(busy.map(({ ref, start, end }) => [ref, start.toISOString(), end.toISOString()])).toEqual([
        ['before', '2026-09-06T03:00:00.000Z', '2026-09-06T04:00:00.000Z'],
        ['first', '2026-09-06T04:00:00.000Z', '2026-09-06T04:10:00.000Z'],
      ]);
      const result = await clinic.snapshot(1, { from: '2026-09-06', to: '2026-09-06' });
      expect(result).toMatchObject({ released: 1 });
    });

    test('accepts a wall-clock time as the time at which it was taken', async () => {
      await clinic.occupied(-30, 'before', '09:00', '09:10');
      await clinic.occupied(-10, 'after', '10:00', '10:10');
      expect(await clinic.snapshot(0, { takenAt: '2026-11-09T07:59:40' })).toMatchObject({
        released: 1,
        stale: 1,
      });
      expect(Object.keys(await clinic.taken())).toEqual(['after']);
    });
  });

  describe('that is not complete', () => {
    test('deletes nothing: no occupancy, no window, no minute', async () => {
      await clinic.available(0, DAY, NEXT, [open(DAY, '08:00', '12:00'), open(NEXT)]);
      await clinic.occupied(0, 'stays', '09:00', '09:10');
      const say = async (complete: boolean | undefined) => {
        const result = await clinic.snapshot(1, {
          to: NEXT,
          complete,
          windows: [open(DAY, '10:00', '14:00', { services: [{ id: '9', duration: 5 }] })],
          occupancy: [taken('more', '10:00', '10:10')],
        });
        expect(result).toMatchObject({ released: 0, held: null });
      };
      expect(await clinic.marked(() => say(false))).toEqual([DAY]);
      expect(await clinic.marked(() => say(undefined))).toEqual([]);
      expect(await clinic.taken()).toEqual({
        stays: '11-16T09:00 11-16T09:10',
        more: '11-16T10:00 11-16T10:10',
      });
      expect(await clinic.windows()).toEqual([
        '11-16T08:00 11-16T12:00',
        '11-16T12:00 11-16T14:00 9',
        '11-17T08:00 11-17T18:00',
      ]);
    });

    test('moves its occupancies, and adds a service where all offers remain', async () => {
      await clinic.available(0, DAY, DAY, [open(DAY, '08:00', '12:00')]);
      await clinic.occupied(0, 'moves', '09:00', '09:10');
      const both = [...open(DAY).services, { id: '9', duration: 5 }];
      await clinic.snapshot(1, {
        complete: false,
        windows: [open(DAY, '07:00', '12:00', { services: both })],
        occupancy: [taken('moves', '11:00', '11:10')],
      });
      expect(await clinic.taken()).toEqual({ moves: '11-16T11:00 11-16T11:10' });
      expect(await clinic.windows()).toEqual(['11-16T07:00 11-16T12:00 123+9']);
    });
  });

  describe('against events', () => {
    test('what was occupied, moved or released after it was taken stays so', async () => {
      await clinic.occupied(0, 'moved', '09:00', '09:10');
      await clinic.occupied(0, 'released', '10:00', '10:10');
      await clinic.occupied(2, 'moved', '11:00', '11:10');
      await clinic.released(2, 'released');
      await clinic.occupied(2, 'new', '12:00', '12:10');
      const old = {
        takenAt: at(1),
        occupancy: [taken('moved', '09:00', '09:10'), taken('released', '10:00', '10:10')],
      };
      expect(await clinic.snapshot(3, old)).toEqual({ ...nothing, stale: 3, changedDays: 1 });
      expect(await clinic.taken()).toEqual({
        moved: '11-16T11:00 11-16T11:10',
        new: '11-16T12:00 11-16T12:10',
      });
    });

    test('an unknown appointment that was released is not restored by an older snapshot', async () => {
      await clinic.released(2, 'never seen');
      const old = { takenAt: at(1), occupancy: [taken('never seen', '10:00', '10:10')] };
      expect(await clinic.snapshot(3, old)).toMatchObject({ occupied: 0, stale: 1 });
      expect(await clinic.snapshot(4, { ...old, takenAt: at(3) })).toMatchObject({ occupied: 1, stale: 0 });
    });

    test('windows that were reported after it was taken stay, date by date', async () => {
      await clinic.available(0, DAY, NEXT, [open(DAY), open(NEXT)]);
      await clinic.available(2, NEXT, NEXT, []);
      const old = { takenAt: at(1), to: NEXT, windows: [open(DAY, '09:00', '10:00'), open(NEXT)] };
      expect(await clinic.snapshot(3, old)).toEqual({ ...nothing, changedDays: 1, staleDates: 1 });
      expect(await clinic.windows()).toEqual(['11-16T09:00 11-16T10:00']);
    });

    test('it counts as taken when it began to arrive, if it contains no time', async () => {
      await clinic.occupied(1, 'while it was sent', '09:00', '09:10');
      await clinic.snapshot(2, {}, { arrivedAt: NOW.getTime() });
      expect(Object.keys(await clinic.taken())).toEqual(['while it was sent']);
      await clinic.snapshot(3, {});
      expect(await clinic.taken()).toEqual({});
    });

    test('versions decide before times, where both sides have one', async () => {
      await clinic.occupied(0, 'higher', '09:00', '09:10', { version: 5 });
      await clinic.occupied(0, 'lower', '10:00', '10:10', { version: 5 });
      await clinic.occupied(0, 'none', '11:00', '11:10', { version: 5 });
      await clinic.released(0, 'over', { version: 5 });
      const occupancy = [
        taken('higher', '14:00', '14:10', { version: 6 }),
        taken('lower', '15:00', '15:10', { version: 4 }),
        taken('none', '16:00', '16:10'),
        taken('over', '17:00', '17:10', { version: 4 }),
      ];
      expect(await clinic.snapshot(1, { occupancy, takenAt: at(-1) })).toMatchObject({
        occupied: 1,
        stale: 3,
      });
      expect(await clinic.snapshot(1, { occupancy })).toMatchObject({ occupied: 1, stale: 2, unchanged: 1 });
      expect(await clinic.taken()).toEqual({
        lower: '11-16T10:00 11-16T10:10',
        higher: '11-16T14:00 11-16T14:10',
        none: '11-16T16:00 11-16T16:10',
      });
      // The version is not forgotten by an unversioned word.
      await clinic.occupied(2, 'none', '18:00', '18:10', { version: 4 });
      expect(await clinic.taken()).toMatchObject({ none: '11-16T16:00 11-16T16:10' });
    });

    test('an occupancy that a snapshot released retains its version', async () => {
      await clinic.occupied(0, 'apt', '09:00', '09:10', { version: 5 });
      await clinic.snapshot(1, {});
      await clinic.occupied(2, 'apt', '09:00', '09:10', { version: 4 });
      expect(await clinic.taken()).toEqual({});
    });
  });

  describe('against other snapshots', () => {
    test('the one that was taken later wins, whichever arrives first', async () => {
      const occupancy = [taken('gone', '09:00', '09:10'), taken('never', '11:00', '11:10')];
      await clinic.occupied(0, 'gone', '09:00', '09:10');
      await clinic.snapshot(5, { takenAt: at(4), occupancy: [taken('new', '10:00', '10:10')] });
      const late = await clinic.snapshot(6, { takenAt: at(3), windows: [open(DAY)], occupancy });
      expect(late).toEqual({ ...nothing, stale: 3, staleDates: 1 });
      expect(await clinic.taken()).toEqual({ new: '11-16T10:00 11-16T10:10' });
      expect(await clinic.windows()).toEqual([]);
    });

    test('the occupancies of an incomplete one existed at its time', async () => {
      await clinic.occupied(0, 'apt', '09:00', '09:10');
      const occupancy = [taken('apt', '09:00', '09:10')];
      await clinic.snapshot(5, { takenAt: at(4), complete: false, occupancy });
      expect(await clinic.snapshot(6, { takenAt: at(3) })).toMatchObject({ released: 0, stale: 1 });
      expect(await clinic.snapshot(7, { takenAt: at(5) })).toMatchObject({ released: 1, stale: 0 });
    });

    test('an older one for more dates still counts for the others', async () => {
      await clinic.snapshot(5, { takenAt: at(4), windows: [open(DAY)] });
      const wider = { takenAt: at(3), to: NEXT, windows: [open(NEXT)] };
      expect(await clinic.snapshot(6, wider)).toMatchObject({ changedDays: 1, staleDates: 1 });
      expect(await clinic.windows()).toEqual(['11-16T08:00 11-16T18:00', '11-17T08:00 11-17T18:00']);
    });
  });

  test('does not change the marketplace’s bookings and breaks; a linked booking is synced with its appointment', async () => {
    const span = { start: new Date(`${DAY}T09:00+01:00`), end: new Date(`${DAY}T09:10+01:00`) };
    const times = { start_at: span.start, end_at: span.end, updated_at: NOW };
    for (const [id, ref] of [
      ['1', null],
      ['2', 'apt'],
    ] as const) {
      const booking = { calendar_id: 'nowak', id, status: 'booked' as const, ref, ...times };
      await record.db
        .insertInto('slotkeeper.bookings')
        .values({ service: null, booked_by: 'user', failed_for: null, failed_reason: null, ...booking })
        .execute();
    }
    await clinic.occupied(0, 'apt', '09:00', '09:10');
    await clinic.snapshot(1, { occupancy: [taken('apt', '10:00', '10:10')] });
    expect(await findBookingsToSync(record.db, 'nowak', new Date(0))).toMatchObject([
      { booking: { id: '2' }, to: { start: new Date(`${DAY}T10:00+01:00`) } },
    ]);
    await clinic.snapshot(2, {});
    const [followed] = await findBookingsToSync(record.db, 'nowak', new Date(0));
    expect(followed).toMatchObject({ booking: { id: '2' } });
    expect(followed).not.toHaveProperty('to');
    const rows = await record.db
      .selectFrom('slotkeeper.bookings')
      .select(['id', 'status'])
      .orderBy('id')
      .execute();
    expect(rows).toEqual([
      { id: '1', status: 'booked' },
      { id: '2', status: 'booked' },
    ]);
  });

  test('released appointments are deleted after a time, those with a version never', async () => {
    await clinic.released(0, 'plain');
    await clinic.released(0, 'versioned', { version: 3 });
    expect(await deleteExpiredReleases(record.db, NOW)).toBe(0);
    expect(await deleteExpiredReleases(record.db, new Date(NOW.getTime() + 1))).toBe(1);
    await clinic.occupied(1, 'versioned', '09:00', '09:10', { version: 2 });
    expect(await clinic.taken()).toEqual({});
  });

  test.each([
    ['windows', { windows: undefined }],
    ['compelte', { complete: undefined, compelte: true }],
    ['to', { to: '2026-11-15' }],
    ['to', { to: '2028-11-15' }],
    ['from', { from: '16.11.2026' }],
    ['complete', { complete: 'yes' }],
    ['takenAt', { takenAt: 'now' }],
    ['takenAt', { takenAt: at(3_600) }],
    ['takenAt', { takenAt: at(-8 * 24 * 3_600) }],
  ])('is refused as a whole for what is wrong at %s', async (path, body) => {
    await clinic.occupied(0, 'stays', '09:00', '09:10');
    expect(await clinic.outcome(1, body)).toEqual({
      kind: 'invalid',
      problems: [{ path, reason: expect.any(String) }],
    });
    expect(await clinic.taken()).toEqual({ stays: '11-16T09:00 11-16T09:10' });
  });

  describe('with an invalid entry', () => {
    const good = taken('a', '10:00', '10:10');

    beforeEach(async () => {
      await clinic.available(0, DAY, DAY, [open(DAY)]);
      await clinic.occupied(0, 'stays', '09:00', '09:10');
    });

    test.each([
      ['windows[1].end', { windows: [open(DAY), open(DAY, '10:00', '09:00')] }],
      ['windows[0].end', { windows: [open(NEXT)] }],
      ['windows[0].services', { windows: [{ ...open(DAY), services: [] }] }],
      ['windows[0].start', { windows: [{ ...open(DAY), start: 1_794_819_600 }] }],
      ['windows[0].servces', { windows: [{ ...open(DAY), servces: [] }] }],
      [
        'windows[1].services[0].duration',
        { windows: [open(DAY), open(DAY, '10:00', '11:00', { services: [{ id: '123', duration: 20 }] })] },
      ],
      ['occupancy[1].end', { occupancy: [good, taken('b', '10:00', '09:00')] }],
      ['occupancy[1].ref', { occupancy: [good, taken('a', '11:00', '11:10')] }],
      ['occupancy[1].ref', { occupancy: [good, taken('b\u0000', '11:00', '11:10')] }],
      ['occupancy[0].start', { occupancy: [{ ref: 'b', start: 'soon', end: `${DAY}T10:00` }, good] }],
      ['occupancy[0].version', { occupancy: [taken('b', '10:00', '10:10', { version: -1 }), good] }],
      ['occupancy[1].verison', { occupancy: [good, taken('b', '10:00', '10:10', { verison: 3 })] }],
      ['occupancy[1]', { occupancy: [good, null] }],
    ])('at %s, that alone is rejected, the rest is taken, and nothing is removed', async (path, body) => {
      const result = await clinic.snapshot(1, { occupancy: [good], windows: [open(DAY)], ...body });
      expect(result).toMatchObject({ released: 0, occupied: 1 });
      expect(result.rejected).toMatchObject([
        {
          path: /^\w+\[\d+\]/.exec(path)?.[0],
          reason: expect.stringContaining(`${path}: `),
          problems: [{ path, reason: expect.any(String) }],
        },
      ]);
      expect(await clinic.taken()).toEqual({
        stays: '11-16T09:00 11-16T09:10',
        a: '11-16T10:00 11-16T10:10',
      });
      expect(await clinic.windows()).toEqual(['11-16T08:00 11-16T18:00']);
      // Once it is right, it is the whole truth.
      expect(await clinic.snapshot(2, { occupancy: [good], windows: [open(DAY)] })).toMatchObject({
        released: 1,
        rejected: [],
      });
    });

    test('all its problems are reported, and unknown keys are named', async () => {
      const wrong = { ref: 77, start: 1_794_819_600, end: 'soon', version: 1.5, note: 'private' };
      const { rejected, warnings } = await clinic.snapshot(1, {
        occupancy: [wrong],
        windows: [],
        note: 'private',
      });
      expect(rejected).toMatchObject([{ path: 'occupancy[0]', ref: '77' }]);
      expect(rejected[0]?.problems.map((one) => one.path)).toEqual([
        'occupancy[0].start',
        'occupancy[0].end',
        'occupancy[0].version',
      ]);
      expect(warnings.map(({ path }) => path)).toEqual(['note', 'occupancy[0].note']);
      expect(JSON.stringify([rejected, warnings])).not.toContain('private');
    });
  });

  test('of an unknown calendar is refused', async () => {
    expect(await new Clinic(record.db, 'nobody').outcome(0, {})).toEqual({ kind: 'unknown-calendar' });
  });
});
