/** The ways to the slots of a day side by side. */
import { isDeepStrictEqual } from 'node:util';
import type { Slot } from 'slotkeeper/core';
import { type DayInput, dayInput, type Form, scatteredDay } from './calendars.js';
import { atLeast, measure, print, round } from './measure.js';
import { bareLoop, core, coreUndated, luxonMerging, luxonWay } from './ways.js';

const DAYS = 84;
/** Days in one measurement: few, so that even the slowest way fits between two interruptions by other processes. */
const BATCH = 6;
const forms: readonly Form[] = ['epoch ms', 'ISO 8601'];
/** What is asked of the core: days per second against those of the other ways. */
const MIN_TIMES_LUXON = 80;
const MIN_TIMES_BARE_LOOP = 0.5;

type Way = (day: DayInput) => readonly Slot[];

/** Busy time in order and apart, and the core told the date. */
export async function waysTable(): Promise<void> {
  const rows: string[][] = [];
  for (const form of forms) {
    const took = await sideBySide((n) => dayInput(n, form), { luxon: luxonWay, 'bare loop': bareLoop, core });
    for (const name of ['luxon', 'bare loop', 'core'] as const) {
      rows.push([
        `${name}, ${form}`,
        round((BATCH / took[name]) * 1000),
        round(took.luxon / took[name], 1),
        round(took['bare loop'] / took[name], 2),
      ]);
    }
    atLeast(MIN_TIMES_LUXON, took.luxon / took.core, `times luxon, sorted, ${form}`);
    atLeast(MIN_TIMES_BARE_LOOP, took['bare loop'] / took.core, `times the bare loop, sorted, ${form}`);
  }
  print(
    'Days with 2 windows and 15 busy intervals, one call a day:',
    ['way, instants as', 'days per second', 'times luxon', 'times the bare loop'],
    rows,
  );
}

/** Busy time in no order that overlaps, and neither `from` nor `to`. */
export async function scatteredTable(): Promise<void> {
  const rows: string[][] = [];
  for (const form of forms) {
    for (const appointments of [5, 15, 50]) {
      const day = (n: number) => scatteredDay(n, form, appointments);
      const took = await sideBySide(day, { luxon: luxonMerging, core: coreUndated });
      rows.push([
        `${appointments}, ${form}`,
        round((BATCH / took.luxon) * 1000),
        round((BATCH / took.core) * 1000),
        round(took.luxon / took.core, 1),
      ]);
      atLeast(MIN_TIMES_LUXON, took.luxon / took.core, `times luxon, ${appointments} in no order, ${form}`);
    }
  }
  print(
    'Days with 2 windows and random busy intervals in no order that overlap, one call a day without `from` and `to`:',
    ['busy intervals, instants as', 'luxon, days per second', 'core, days per second', 'times luxon'],
    rows,
  );
}

/** Milliseconds for a batch of days on each way; they must lead to the same slots. */
async function sideBySide<Name extends string>(
  dayOf: (n: number) => DayInput,
  ways: Readonly<Record<Name, Way>>,
): Promise<Record<Name, number>> {
  const days = Array.from({ length: DAYS }, (_, n) => dayOf(n));
  const tasks: Record<string, () => void> = {};
  for (const [name, way] of Object.entries<Way>(ways)) {
    for (const day of days) {
      if (!isDeepStrictEqual(way(day), luxonWay(day))) throw new Error(`${name} differs on ${day.date}`);
    }
    let next = 0;
    tasks[name] = () => {
      for (let i = 0; i < BATCH; i++) {
        const day = days[next++ % DAYS];
        if (day !== undefined) way(day);
      }
    };
  }
  return await measure(tasks);
}
