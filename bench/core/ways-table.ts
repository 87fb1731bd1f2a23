/** The three ways to the slots of a day side by side. */
import { isDeepStrictEqual } from 'node:util';
import { dayInput, type Form } from './calendars.js';
import { measure, print, round } from './measure.js';
import { bareLoop, core, luxonWay } from './ways.js';

const DAYS = 84;
/** Days in one measurement: few, so that even the slowest way fits between two interruptions by other processes. */
const BATCH = 6;
const ways = { luxon: luxonWay, 'bare loop': bareLoop, core };
const forms: readonly Form[] = ['epoch ms', 'ISO 8601'];

export async function waysTable(): Promise<void> {
  const rows: string[][] = [];
  for (const form of forms) {
    const days = Array.from({ length: DAYS }, (_, n) => dayInput(n, form));
    for (const day of days) {
      const slots = luxonWay(day);
      if (!isDeepStrictEqual(core(day), slots) || !isDeepStrictEqual(bareLoop(day), slots)) {
        throw new Error(`The ways differ on ${day.date}`);
      }
    }
    const each = (way: (day: (typeof days)[number]) => unknown) => {
      let next = 0;
      return () => {
        for (let i = 0; i < BATCH; i++) {
          const day = days[next++ % DAYS];
          if (day !== undefined) way(day);
        }
      };
    };
    const took = await measure({
      luxon: each(ways.luxon),
      'bare loop': each(ways['bare loop']),
      core: each(ways.core),
    });
    for (const name of ['luxon', 'bare loop', 'core'] as const) {
      rows.push([
        `${name}, ${form}`,
        round((BATCH / took[name]) * 1000),
        round(took.luxon / took[name], 1),
        round(took['bare loop'] / took[name], 2),
      ]);
    }
  }
  print(
    'Days with 2 windows and 15 busy intervals, one call a day:',
    ['way, instants as', 'days per second', 'times luxon', 'times the bare loop'],
    rows,
  );
}
