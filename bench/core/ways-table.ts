/** The three ways to the slots of a day side by side. */
import { isDeepStrictEqual } from 'node:util';
import { dayInput, type Form } from './calendars.js';
import { measure, print, round } from './measure.js';
import { bareLoop, core, luxonWay } from './ways.js';

const DAYS = 84;
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
    const each = (way: (day: (typeof days)[number]) => unknown) => () => days.map(way);
    const took = await measure({
      luxon: each(ways.luxon),
      'bare loop': each(ways['bare loop']),
      core: each(ways.core),
    });
    for (const name of ['luxon', 'bare loop', 'core'] as const) {
      rows.push([
        `${name}, ${form}`,
        round((DAYS / took[name]) * 1000),
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
