/** How the cost grows: with the busy intervals of a calendar, and with its days. */
import { computeSlotConfigs, type Interval } from 'slotkeeper/core';
import { dayInput, timeZone } from './calendars.js';
import { measure, print, round } from './measure.js';

const SECOND = 1000;
const DAYS = 84;

/** From 10 to 100,000 busy intervals in 84 days, in no order: they have to be sorted, which makes it n log n. */
export async function growthTable(): Promise<void> {
  const days = Array.from({ length: DAYS }, (_, n) => dayInput(n, 'epoch ms'));
  const windows = days.flatMap((day) => day.windows);
  const rows: string[][] = [];
  for (const n of [10, 100, 1_000, 10_000, 100_000]) {
    const busy = scattered(n, Number(windows[0]?.start), Number(windows.at(-1)?.end));
    const { took } = await measure({ took: () => computeSlotConfigs({ timeZone, windows, busy }) }, 100);
    rows.push([
      round(n),
      round(took, 3),
      round((took * 1e6) / n),
      round((took * 1e6) / (n * Math.log2(n)), 1),
    ]);
  }
  print(
    `Busy intervals in one calendar of ${DAYS} days, in no order:`,
    ['n', 'ms', 'ns for each', 'ns / (n log2 n)'],
    rows,
  );
}

/** Intervals of 30 seconds, each somewhere else: a generator of full period, so that none comes twice. */
function scattered(n: number, from: number, until: number): Interval[] {
  const places = Math.floor((until - from) / (30 * SECOND));
  return Array.from({ length: n }, (_, i) => {
    const start = from + ((i * 104_729) % places) * 30 * SECOND;
    return { start, end: start + 30 * SECOND };
  });
}

/** From 1 to 366 days of 15 busy intervals in one call. */
export async function daysTable(): Promise<void> {
  const rows: string[][] = [];
  for (const n of [1, 7, 28, 84, 366]) {
    const year = yearOfDays(n);
    const { took } = await measure({ took: () => computeSlotConfigs({ timeZone, ...year }) }, 100);
    rows.push([round(n), round(took, 3), round((took * 1e6) / n)]);
  }
  print('Days in one call, 15 busy intervals each:', ['days', 'ms', 'ns for each day'], rows);
}

function yearOfDays(n: number) {
  const days = Array.from({ length: n }, (_, i) => dayInput(i, 'epoch ms', 15, 366));
  return { windows: days.flatMap((day) => day.windows), busy: days.flatMap((day) => day.busy) };
}
