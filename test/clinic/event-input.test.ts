// What becomes of events as a PMS sends them: read with good will, refused with everything that is wrong, and told apart.
import { describe, expect, test } from '@jest/globals';
import { applyEvents } from '../../src/clinic/apply-events.js';
import { listWindows } from '../../src/db/tables/windows.js';
import { listAppointments } from '../db/appointments.js';
import { NOW } from '../db/seed-rows.js';
import { useDatabase } from '../db/use-database.js';

const DAY = '2026-11-16';
const NO_TEXT = 'has a character that no text can have: NUL, or half of a surrogate pair';
const occupied = {
  id: 'evt-1',
  type: 'occupied',
  calendar: 'nowak',
  ref: 'apt',
  start: `${DAY}T10:00`,
  end: `${DAY}T10:10`,
};
const released = { id: 'evt-2', type: 'released', calendar: 'nowak', ref: 'apt' };
const window = { start: `${DAY}T08:00`, end: `${DAY}T18:00`, services: [{ id: '123', duration: 10 }] };
const available = {
  id: 'evt-3',
  type: 'available',
  calendar: 'nowak',
  from: DAY,
  to: DAY,
  windows: [window],
};

describe('events', () => {
  const record = useDatabase();

  const apply = async (...batch: unknown[]) => (await applyEvents(record.db, batch, NOW.getTime())).result;
  const problemsOf = async (event: unknown) =>
    (await apply(event)).rejected.flatMap(({ problems }) =>
      problems.map(({ path, reason }) => `${path}: ${reason}`),
    );
  const taken = async () =>
    (await listAppointments(record.db, 'nowak')).map(({ ref, start, end }) => [
      ref,
      start.toISOString(),
      end.toISOString(),
    ]);

  test('accept ids that are whole numbers, and store them as text', async () => {
    const numbers = { ...occupied, id: 5, ref: 77, service: 123, booking: 6_263_715 };
    expect(await apply(numbers)).toMatchObject({ accepted: 1, rejected: [] });
    expect(await apply({ ...numbers, id: '5' })).toMatchObject({ duplicates: 1, differing: [] });
    expect(await taken()).toMatchObject([['77', expect.any(String), expect.any(String)]]);
    expect(await apply({ ...released, id: 6, ref: '77' })).toMatchObject({ accepted: 1 });
    expect(await taken()).toEqual([]);
    const numbered = { ...window, services: [{ id: 123, duration: 10 }] };
    await apply({ ...available, windows: [numbered] });
    expect(await listWindows(record.db, 'nowak', DAY, DAY)).toMatchObject([{ services: [{ id: '123' }] }]);
  });

  test.each([
    ['id', 1.5, 'expected text or whole number'],
    ['ref', Number.NaN, 'expected text or whole number'],
    ['ref', 2 ** 60, 'is too large a number'],
    ['ref', '', 'must not be empty'],
    ['ref', 'x'.repeat(201), 'expected at most 200 characters'],
    ['ref', null, 'expected text or whole number'],
    ['ref', undefined, 'is required'],
    ['service', -1, 'expected at least 0'],
    ['booking', true, 'expected text or whole number'],
    ['start', 1_796_636_400, 'looks like seconds: send milliseconds or ISO 8601'],
    ['kind', 'blok', 'expected booking or block, did you mean "block"?'],
    ['type', 'ocupied', 'expected occupied, released or available, did you mean "occupied"?'],
    ['calendar', 'nobody', 'there is no calendar "nobody"'],
  ])('with a wrong %s (%p) are refused in words', async (path, value, reason) => {
    expect(await problemsOf({ ...occupied, [path]: value })).toContain(`${path}: ${reason}`);
    expect(await taken()).toEqual([]);
  });

  test('with instants in seconds do not move a known appointment', async () => {
    await apply(occupied);
    const before = await taken();
    await apply({ ...occupied, id: 'moved', start: 1_796_636_400, end: 1_796_637_000 });
    expect(await taken()).toEqual(before);
  });

  test('may write instants with a space, with an offset in hours, or as milliseconds', async () => {
    await apply(
      { ...occupied, id: 'a', ref: 'a', start: `${DAY} 10:00`, end: `${DAY} 10:10:00.000+01` },
      { ...occupied, id: 'b', ref: 'b', start: Date.parse(`${DAY}T11:00+01:00`), end: `${DAY}T10:10:00Z` },
    );
    expect(await taken()).toEqual([
      ['a', `${DAY}T09:00:00.000Z`, `${DAY}T09:10:00.000Z`],
      ['b', `${DAY}T10:00:00.000Z`, `${DAY}T10:10:00.000Z`],
    ]);
  });

  test('are rejected with all their problems at once', async () => {
    const wrong = {
      ...occupied,
      calendar: 'nobody',
      ref: undefined,
      start: 1_796_636_400,
      version: 1.5,
      kidn: 'block',
      note: 'a\u0000b',
    };
    const { rejected } = await apply(wrong);
    expect(rejected).toMatchObject([{ index: 0, id: 'evt-1' }]);
    expect(
      Object.fromEntries((rejected[0]?.problems ?? []).map(({ path, reason }) => [path, reason])),
    ).toEqual({
      calendar: 'there is no calendar "nobody"',
      kidn: 'unknown key "kidn", did you mean "kind"?',
      note: NO_TEXT,
      ref: 'is required',
      start: 'looks like seconds: send milliseconds or ISO 8601',
      version: 'expected whole number',
    });
    for (const { path, reason } of rejected[0]?.problems ?? []) {
      expect(rejected[0]?.reason).toContain(`${path}: ${reason}`);
    }
  });

  test('that end before they start are reported also where something else is invalid', async () => {
    const backwards = { ...occupied, end: `${DAY}T09:00`, version: -1 };
    expect(await problemsOf(backwards)).toEqual([
      'version: expected at least 0',
      'end: is not after the start',
    ]);
  });

  test('are rejected with the problems of each window', async () => {
    const windows = [
      { ...window, start: `${DAY}T19:00` },
      window,
      { ...window, end: '2026-11-17T18:00' },
      { ...window, insurance: { accepted: 'with-insurance-only' } },
    ];
    expect(await problemsOf({ ...available, windows })).toEqual([
      'windows[0].end: must be after the start',
      `windows[2].end: lies after ${DAY}`,
      'windows[3].insurance.providers: must list an insurer where only insured patients are accepted',
    ]);
  });

  describe('unknown keys', () => {
    test.each([
      [{ ...occupied, verison: 3 }, 'verison: unknown key "verison", did you mean "version"?'],
      [{ ...occupied, calender: 'nowak' }, 'calender: unknown key "calender", did you mean "calendar"?'],
      [
        { ...available, windows: [{ ...window, servics: [] }] },
        'windows[0].servics: unknown key "servics", did you mean "services"?',
      ],
      [
        { ...available, windows: [{ ...window, services: [{ id: '1', duration: 10, durations: 5 }] }] },
        'windows[0].services[0].durations: unknown key "durations", did you mean "duration"?',
      ],
    ])('but nearly have it are refused (case %#)', async (event, problem) => {
      expect(await problemsOf(event)).toEqual([problem]);
    });

    test('are dropped, named in the warnings, and stored nowhere', async () => {
      const event = { ...occupied, patient: { name: 'Kowalski' }, comment: 'Kowalski' };
      const service = { id: '123', duration: 10, price: 'Kowalski' };
      const windows = [{ ...window, services: [service] }];
      const result = await apply(event, { ...available, windows, note: 'Kowalski' });
      expect(result).toMatchObject({ accepted: 2, rejected: [] });
      expect(result.warnings).toEqual([
        { index: 0, id: 'evt-1', path: 'patient', reason: 'unknown key "patient" was dropped' },
        { index: 0, id: 'evt-1', path: 'comment', reason: 'unknown key "comment" was dropped' },
        {
          index: 1,
          id: 'evt-3',
          path: 'windows[0].services[0].price',
          reason: 'unknown key "windows[0].services[0].price" was dropped',
        },
        { index: 1, id: 'evt-3', path: 'note', reason: 'unknown key "note" was dropped' },
      ]);
      expect(JSON.stringify(result)).not.toContain('Kowalski');
      const kept = await Promise.all(
        (['events', 'occupancy', 'windows', 'days'] as const).map((table) =>
          record.db.selectFrom(`slotkeeper.${table}`).selectAll().execute(),
        ),
      );
      expect(JSON.stringify(kept)).not.toContain('Kowalski');
    });

    test('cannot make the answer long', async () => {
      const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`${n}${'x'.repeat(500)}`, n]));
      const { warnings } = await apply({ ...occupied, ...many });
      expect(warnings).toHaveLength(20);
      expect(JSON.stringify(warnings).length).toBeLessThan(10_000);
    });
  });

  test.each([
    ['a\u0000b', 'NUL'],
    ['\ud800', 'half of a surrogate pair'],
  ])('with %j anywhere are refused at its path', async (text) => {
    const nested = { patient: { names: ['Jan', text] } };
    expect(await problemsOf({ ...occupied, ...nested })).toEqual([`patient.names[1]: ${NO_TEXT}`]);
    expect(await problemsOf({ ...occupied, patient: { [text]: 1 } })).toEqual([
      expect.stringMatching(new RegExp(`^patient\\..+: ${NO_TEXT}$`)),
    ]);
    expect(await problemsOf({ ...occupied, ref: text })).toEqual([
      'ref: has characters that cannot be stored',
    ]);
  });

  test('that are nested deeper than any stack are parsed', async () => {
    const deep = JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`);
    expect(await apply({ ...occupied, deep })).toMatchObject({ accepted: 1, warnings: [{ path: 'deep' }] });
  });

  describe('under an id that was applied before', () => {
    test('differ where their content differs, whenever the first arrived', async () => {
      const other = { ...occupied, end: `${DAY}T10:20` };
      expect(await apply(occupied, other)).toMatchObject({
        accepted: 1,
        duplicates: 1,
        differing: [{ index: 1, id: 'evt-1' }],
      });
      expect(await apply(released, other, occupied)).toMatchObject({
        accepted: 1,
        duplicates: 2,
        differing: [{ index: 1, id: 'evt-1' }],
      });
    });

    test.each([
      [
        'occupied',
        occupied,
        { ...occupied, start: `${DAY} 09:00Z`, end: Date.parse(`${DAY}T09:10Z`), kind: 'booking' },
      ],
      ['released', released, { ...released, note: 'x' }],
      [
        'available',
        { ...available, windows: [window, { ...window, start: `${DAY}T09:00` }] },
        { ...available, windows: [{ ...window, start: `${DAY}T09:00+01:00` }, window] },
      ],
      ['of zero length', { ...occupied, end: occupied.start }, { ...occupied, end: `${DAY} 10:00` }],
    ])('do not differ where they mean the same (%s)', async (_, first, again) => {
      await apply(first);
      expect(await apply(again)).toMatchObject({ duplicates: 1, differing: [] });
    });

    test.each([
      [{ ...occupied, kind: 'block' }],
      [{ ...occupied, service: '1' }],
      [{ ...occupied, version: 1 }],
      [{ ...occupied, booking: '1' }],
      [{ ...occupied, ref: 'other' }],
      [{ ...occupied, end: occupied.start }],
      [{ ...available, id: 'evt-1' }],
      [{ ...released, id: 'evt-1' }],
    ])('differ in each of their fields (case %#)', async (other) => {
      await apply(occupied);
      expect(await apply(other)).toMatchObject({ duplicates: 1, differing: [{ index: 0, id: 'evt-1' }] });
    });

    test('of which only the id is known do not differ', async () => {
      await apply(occupied);
      await record.db.updateTable('slotkeeper.events').set({ content: null }).execute();
      expect(await apply({ ...occupied, ref: 'other' })).toMatchObject({ duplicates: 1, differing: [] });
    });
  });

  test('in a dry run change nothing, and their outcomes are reported', async () => {
    const batch = [available, occupied, occupied, { ...occupied, id: 'x', end: 'soon' }];
    const tried = await applyEvents(record.db, batch, NOW.getTime(), { dryRun: true });
    expect(tried).toMatchObject({ jobsToEnqueue: [], added: [] });
    expect(await taken()).toEqual([]);
    expect(await record.db.selectFrom('slotkeeper.events').selectAll().execute()).toEqual([]);
    expect(await record.db.selectFrom('slotkeeper.days').selectAll().execute()).toEqual([]);
    const done = await applyEvents(record.db, batch, NOW.getTime());
    expect(done.result).toEqual(tried.result);
    expect(done.result).toMatchObject({ accepted: 2, duplicates: 1, rejected: [{ index: 3, id: 'x' }] });
    expect(done.jobsToEnqueue).toHaveLength(1);
  });
});
