/** What to do about a calendar's pending days, most urgent first. Pure. */
import { LOWEST_PRIORITY, sameSlots } from '../core/index.js';
import type { WantedDay } from './desired-days.js';

export type Action =
  /** The marketplace shows it already: only the record has to learn that. */
  | { readonly kind: 'settle'; readonly days: readonly WantedDay[] }
  /** Nothing is wanted and nothing was ever told: see what is there before anything is emptied. */
  | { readonly kind: 'look'; readonly days: readonly WantedDay[] }
  /** One day alone that is to show nothing. */
  | { readonly kind: 'clear'; readonly days: readonly [WantedDay] }
  /** Everything else, days that are to show nothing among it. */
  | { readonly kind: 'replace'; readonly days: readonly WantedDay[] };

/**
 * The next thing to do, or nothing.
 * @param days most urgent first, as `wantedDays` gives them
 * @param mostEntries entries in one request, at most; a day is never split
 * @param showing dates that were looked at and show something
 */
export function nextAction(
  days: readonly WantedDay[],
  maxEntries: number,
  showing: ReadonlySet<string>,
): Action | undefined {
  const shown = days.filter(isShown);
  if (shown.length > 0) return { kind: 'settle', days: shown };

  const isUnknown = (day: WantedDay): boolean =>
    day.wanted.length === 0 && day.published === null && !showing.has(day.date);
  const known = days.filter((day) => !isUnknown(day));
  const [first] = known;
  if (first === undefined) return days.length > 0 ? { kind: 'look', days } : undefined;

  const together: WantedDay[] = [];
  let entries = 0;
  for (const day of known) {
    entries += entriesFor(day);
    if (together.length > 0 && entries > maxEntries) break;
    together.push(day);
  }
  return together.length === 1 && first.wanted.length === 0
    ? { kind: 'clear', days: [first] }
    : { kind: 'replace', days: together };
}

/** A day that is to show nothing is an entry, too. */
const entriesFor = ({ wanted }: WantedDay): number => Math.max(1, wanted.length);

export function isShown(day: WantedDay): boolean {
  return day.verified && day.published !== null && sameSlots(day.published, day.wanted);
}

/** How urgent the most urgent of them is: what the budget goes by. */
export function priorityOf(days: readonly Pick<WantedDay, 'priority'>[]): number {
  return Math.min(LOWEST_PRIORITY, ...days.map((day) => day.priority ?? LOWEST_PRIORITY));
}
