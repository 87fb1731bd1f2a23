// A clinic that changes at random, with events that are lost or not, and snapshots that were taken at any time and come
// at any later one. The oracle is the clinic itself: what it knows is what the record must know.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Database, openDatabase } from '../../../src/db/database.js';
import { putAccount } from '../../../src/db/tables/accounts.js';
import { putCalendar } from '../../../src/db/tables/calendars.js';
import { deleteAllRows, postgresDatabase } from '../../db/databases.js';
import { account, calendar, ENCRYPTOR, NOW } from '../../db/seed-rows.js';
import { at, Clinic, DAY, NEXT, open, taken } from './snapshot-fixture.js';

const DATES = [DAY, NEXT] as const;
const REFS = ['a', 'b', 'c'] as const;

interface Appointment {
  readonly date: string;
  readonly hour: number;
  /** It lasts into the next date. */
  readonly overnight: boolean;
}

/** All that the clinic knows at one moment. */
interface Truth {
  readonly at: number;
  readonly appointments: Readonly<Partial<Record<string, Appointment>>>;
  readonly openUntil: Readonly<Record<string, number>>;
  readonly versions: Readonly<Record<string, number>>;
}

const step = fc.oneof(
  fc.record({
    kind: fc.constant('appointment' as const),
    ref: fc.constantFrom(...REFS),
    to: fc.option(
      fc.record({
        date: fc.constantFrom(...DATES),
        hour: fc.integer({ min: 8, max: 12 }),
        overnight: fc.boolean(),
      }),
    ),
    lost: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('windows' as const),
    date: fc.constantFrom(...DATES),
    /** 0: closed. */
    until: fc.constantFrom(0, 14, 18),
    lost: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('snapshot' as const),
    /** How many moments ago it was taken. */
    age: fc.nat({ max: 12 }),
    from: fc.constantFrom(...DATES),
    days: fc.integer({ min: 1, max: 2 }),
    complete: fc.boolean(),
  }),
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const span = (ref: string, { date, hour, overnight }: Appointment, more: object = {}) => {
  const next = date === DAY ? NEXT : '2026-11-18';
  const start = `${date}T${String(hour).padStart(2, '0')}:00`;
  return taken(ref, start, overnight ? `${next}T01:00` : `${start.slice(0, 13)}:30`, more);
};

const windowsOf = ({ openUntil }: Truth, dates: readonly string[]) =>
  dates.flatMap((date) => (openUntil[date] ? [open(date, '08:00', `${openUntil[date]}:00`)] : []));

const touches = ({ date, overnight }: Appointment, dates: readonly string[]): boolean =>
  dates.includes(date) || (overnight && date === DAY && dates.includes(NEXT));

/** Plays a clinic against a record. */
class Play {
  readonly #clinic: Clinic;
  readonly #versioned: boolean;
  readonly #history: Truth[] = [{ at: 0, appointments: {}, openUntil: {}, versions: {} }];

  constructor(clinic: Clinic, versioned: boolean) {
    this.#clinic = clinic;
    this.#versioned = versioned;
  }

  get #now(): Truth {
    return (
      this.#history[this.#history.length - 1] ?? { at: 0, appointments: {}, openUntil: {}, versions: {} }
    );
  }

  async take(one: Step, mayLose: boolean): Promise<void> {
    const before = this.#now;
    const time = before.at + 1;
    switch (one.kind) {
      case 'appointment': {
        const version = (before.versions[one.ref] ?? 0) + 1;
        const { [one.ref]: _, ...others } = before.appointments;
        this.#history.push({
          ...before,
          at: time,
          appointments: one.to === null ? others : { ...others, [one.ref]: one.to },
          versions: { ...before.versions, [one.ref]: version },
        });
        if (mayLose && one.lost) return;
        const more = this.#versioned ? { version } : {};
        if (one.to === null) await this.#clinic.released(time, one.ref, more);
        else await this.#clinic.event(time, 'occupied', span(one.ref, one.to, more));
        return;
      }
      case 'windows': {
        const openUntil = { ...before.openUntil, [one.date]: one.until };
        this.#history.push({ ...before, at: time, openUntil });
        if (mayLose && one.lost) return;
        await this.#clinic.available(time, one.date, one.date, windowsOf(this.#now, [one.date]));
        return;
      }
      case 'snapshot': {
        this.#history.push({ ...before, at: time });
        const then = this.#history[Math.max(0, this.#history.length - 1 - one.age)] ?? before;
        const from = one.days === 2 ? DAY : one.from;
        await this.snapshot(then, from, one.days === 2 ? NEXT : from, one.complete, time);
      }
    }
  }

  async snapshot(truth: Truth, from: string, to: string, complete: boolean, time: number): Promise<void> {
    const dates = DATES.filter((date) => date >= from && date <= to);
    const occupancy = Object.entries(truth.appointments).flatMap(([ref, one]) =>
      one !== undefined && touches(one, dates)
        ? [span(ref, one, this.#versioned ? { version: truth.versions[ref] } : {})]
        : [],
    );
    const windows = windowsOf(truth, dates);
    await this.#clinic.snapshot(time, { from, to, complete, windows, occupancy, takenAt: at(truth.at) });
  }

  /** The whole of it once more, as it is now. */
  async sayAll(): Promise<void> {
    const truth = { ...this.#now, at: this.#now.at + 1 };
    this.#history.push(truth);
    await this.snapshot(truth, DAY, NEXT, true, truth.at);
  }

  async expectTruth(): Promise<void> {
    const { appointments } = this.#now;
    expect(Object.keys(await this.#clinic.taken()).sort()).toEqual(Object.keys(appointments).sort());
    const short = (text: string) => text.slice(5);
    const wanted = Object.entries(appointments).map(([ref, one]) => {
      const { start, end } = span(ref, one ?? { date: DAY, hour: 0, overnight: false });
      return [ref, `${short(start)} ${short(end)}`];
    });
    expect(await this.#clinic.taken()).toEqual(Object.fromEntries(wanted));
    expect(await this.#clinic.windows()).toEqual(
      windowsOf(this.#now, DATES).map(({ start, end }) => `${short(start)} ${short(end)}`),
    );
  }
}

describe('snapshots among events', () => {
  let database: Database;

  beforeAll(async () => {
    database = await openDatabase({ url: await postgresDatabase() });
  });

  afterAll(async () => {
    await database.close();
  });

  const begin = async (versioned: boolean): Promise<Play> => {
    await deleteAllRows(database.db);
    await putAccount(database.db, account(), NOW, ENCRYPTOR);
    await putCalendar(database.db, calendar(), NOW);
    return new Play(new Clinic(database.db), versioned);
  };
  const runs = { numRuns: 25 };
  const steps = fc.array(step, { minLength: 4, maxLength: 14 });

  test('no snapshot, however old, undoes an event that came after it was taken', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.boolean(), async (all, versioned) => {
        const play = await begin(versioned);
        for (const one of all) {
          await play.take(one, false);
          await play.expectTruth();
        }
      }),
      runs,
    );
  });

  test('whatever was lost before, a complete snapshot of now makes it right', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.boolean(), async (all, versioned) => {
        const play = await begin(versioned);
        for (const one of all) await play.take(one, true);
        await play.sayAll();
        await play.expectTruth();
      }),
      runs,
    );
  });
});
