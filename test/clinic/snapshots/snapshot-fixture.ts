// Events and snapshots about one calendar, taken into a record and read back in few words.
import { applyEvents } from '../../../src/clinic/apply-events.js';
import {
  applySnapshot,
  type SnapshotOptions,
  type SnapshotOutcome,
  type SnapshotResult,
} from '../../../src/clinic/snapshots/apply-snapshot.js';
import type { Db } from '../../../src/db/schema.js';
import { listDays } from '../../../src/db/tables/days.js';
import { listWindows } from '../../../src/db/tables/windows.js';
import { listAppointments } from '../../db/appointments.js';
import { NOW } from '../../db/seed-rows.js';

export const DAY = '2026-11-16';
export const NEXT = '2026-11-17';
export const services = [{ id: '123', duration: 10 }];
export const START = NOW.getTime();
const SECOND = 1_000;

let events = 0;

/** A window in wall-clock time. */
export const open = (date: string, start = '08:00', end = '18:00', more: object = {}) => ({
  start: `${date}T${start}`,
  end: `${date}T${end}`,
  services,
  ...more,
});

/** An occupancy of a snapshot, in wall-clock time of DAY or of the date given. */
export const taken = (ref: string, start: string, end: string, more: object = {}) => ({
  ref,
  start: start.includes('T') ? start : `${DAY}T${start}`,
  end: end.includes('T') ? end : `${DAY}T${end}`,
  ...more,
});

export class Clinic {
  readonly #db: Db;
  readonly calendar: string;

  constructor(db: Db, calendar = 'nowak') {
    this.#db = db;
    this.calendar = calendar;
  }

  /** An event that comes so many seconds after the start. */
  async event(at: number, type: string, fields: object): Promise<void> {
    events += 1;
    const event = { id: `snapshot-evt-${events}`, type, calendar: this.calendar, ...fields };
    const { result } = await applyEvents(this.#db, [event], START + at * SECOND);
    if (result.rejected.length > 0) throw new Error(result.rejected[0]?.reason);
  }

  occupied(at: number, ref: string, start: string, end: string, more: object = {}): Promise<void> {
    return this.event(at, 'occupied', taken(ref, start, end, more));
  }

  released(at: number, ref: string, more: object = {}): Promise<void> {
    return this.event(at, 'released', { ref, ...more });
  }

  available(at: number, from: string, to: string, windows: readonly object[]): Promise<void> {
    return this.event(at, 'available', { from, to, windows });
  }

  /** A snapshot that comes so many seconds after the start; of DAY and complete unless it says otherwise. */
  async outcome(at: number, body: object, options: Partial<SnapshotOptions> = {}): Promise<SnapshotOutcome> {
    const input = { from: DAY, to: DAY, complete: true, windows: [], occupancy: [], ...body };
    return await applySnapshot(this.#db, this.calendar, input, {
      now: START + at * SECOND,
      deletionGuard: undefined,
      ...options,
    });
  }

  async snapshot(at: number, body: object, options: Partial<SnapshotOptions> = {}): Promise<SnapshotResult> {
    const outcome = await this.outcome(at, body, options);
    if (outcome.kind !== 'taken') throw new Error(JSON.stringify(outcome));
    return outcome.result;
  }

  /** What is taken: `{ ref: '11-16T10:30 11-16T10:40' }`, in Warsaw's winter. */
  async taken(): Promise<Record<string, string>> {
    const busy = await listAppointments(this.#db, this.calendar);
    return Object.fromEntries(busy.map(({ ref, start, end }) => [ref, `${clock(start)} ${clock(end)}`]));
  }

  /** The windows of DAY and NEXT, or of the dates given. */
  async windows(from = DAY, to = NEXT): Promise<string[]> {
    const windows = await listWindows(this.#db, this.calendar, from, to);
    return windows.map(({ start, end, services: offered }) => {
      const ids = offered.map(({ id }) => id).join('+');
      return `${clock(start)} ${clock(end)}${ids === '123' ? '' : ` ${ids}`}`;
    });
  }

  /** The days that this marked. */
  async marked(work: () => Promise<unknown>): Promise<string[]> {
    const before = await this.#generations();
    await work();
    const after = await this.#generations();
    return Object.keys(after).filter((date) => after[date] !== before[date]);
  }

  /** How often each day changed, as far as it is known. */
  async #generations(): Promise<Record<string, number>> {
    const days = await listDays(this.#db, this.calendar, '2026-01-01', '2027-12-31');
    return Object.fromEntries(days.map(({ date, generation }) => [date, generation]));
  }
}

/** An instant so many seconds after the start, as a snapshot says it. */
export const at = (seconds: number): string => new Date(START + seconds * SECOND).toISOString();

const clock = (instant: Date): string => new Date(instant.getTime() + 3_600_000).toISOString().slice(5, 16);
