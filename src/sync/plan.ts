/** What to do about a calendar's pending days, most urgent first. Pure. */
import { LEAST_URGENT, sameSlots } from '../core/index.js';
import type { WantedDay } from './snapshot.js';

export type Action =
  /** The marketplace shows it already: only the record has to learn that. */
  | { readonly kind: 'settle'; readonly days: readonly WantedDay[] }
  /** Nothing is wanted and nothing was ever told: see what is there before anything is cleared. */
  | { readonly kind: 'look'; readonly days: readonly WantedDay[] }
  | { readonly kind: 'clear'; readonly days: readonly [WantedDay] }
  | { readonly kind: 'replace'; readonly days: readonly WantedDay[] };

/**
 * The next thing to do, or nothing.
 * @param days most urgent first, as `wantedDays` gives them
 * @param mostEntries work periods in one request, at most; a day is never split
 * @param showing dates that were looked at and show something
 */
export function nextAction(
  days: readonly WantedDay[],
  mostEntries: number,
  showing: ReadonlySet<string>,
): Action | undefined {
  const shown = days.filter(isShown);
  if (shown.length > 0) return { kind: 'settle', days: shown };

  const isUnknown = (day: WantedDay): boolean =>
    day.wanted.length === 0 && day.published === null && !showing.has(day.date);
  const first = days.find((day) => !isUnknown(day));
  if (first === undefined) return days.length > 0 ? { kind: 'look', days } : undefined;
  if (first.wanted.length === 0) return { kind: 'clear', days: [first] };

  const together: WantedDay[] = [];
  let entries = 0;
  for (const day of days) {
    if (day.wanted.length === 0) continue;
    if (together.length > 0 && entries + day.wanted.length > mostEntries) break;
    together.push(day);
    entries += day.wanted.length;
  }
  return { kind: 'replace', days: together };
}

export function isShown(day: WantedDay): boolean {
  return day.verified && day.published !== null && sameSlots(day.published, day.wanted);
}

/** How urgent the most urgent of them is: what the budget goes by. */
export function urgencyOf(days: readonly WantedDay[]): number {
  return Math.min(LEAST_URGENT, ...days.map((day) => day.urgency ?? LEAST_URGENT));
}
