/** Selects the next request for a calendar's pending days, highest priority first. Pure. */
import type { WriteSubject } from '../context/context.js';
import { compareSlots, LOWEST_PRIORITY, sameSlots } from '../core/index.js';
import type { DesiredDay } from './desired-days.js';

export type Action =
  /** The marketplace shows the desired slots already: only the database is updated. */
  | { readonly kind: 'record'; readonly days: readonly DesiredDay[] }
  /** Nothing is desired and nothing was ever published: the days are read before any of them is emptied. */
  | { readonly kind: 'read'; readonly days: readonly DesiredDay[] }
  /** One day alone that becomes empty. */
  | { readonly kind: 'clear'; readonly days: readonly [DesiredDay] }
  /** All other days, together with days that become empty. */
  | { readonly kind: 'replace'; readonly days: readonly DesiredDay[] };

/**
 * @param days highest priority first, as `computePendingDays` returns them
 * @param maxEntries the most entries of one request; a day is never split
 * @param nonEmptyDates dates that were read and show something
 * @returns undefined where no day is pending
 */
export function nextAction(
  days: readonly DesiredDay[],
  maxEntries: number,
  nonEmptyDates: ReadonlySet<string>,
): Action | undefined {
  const shown = days.filter(isPublishedAsDesired);
  if (shown.length > 0) return { kind: 'record', days: shown };

  const isUnknown = (day: DesiredDay): boolean =>
    day.wanted.length === 0 && day.published === null && !nonEmptyDates.has(day.date);
  const known = days.filter((day) => !isUnknown(day));
  const [first] = known;
  if (first === undefined) return days.length > 0 ? { kind: 'read', days } : undefined;

  const together: DesiredDay[] = [];
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

/** A day that becomes empty takes one entry too. */
const entriesFor = ({ wanted }: DesiredDay): number => Math.max(1, wanted.length);

export function isPublishedAsDesired(day: DesiredDay): boolean {
  return day.verified && day.published !== null && sameSlots(day.published, day.wanted);
}

/** What a write of these days changes, for the history. */
export const subjectOf = (days: readonly DesiredDay[]): WriteSubject => ({
  days: days.map(({ date, generation, published, wanted }) => ({
    date,
    generation,
    slots: wanted.length,
    closes: published !== null && compareSlots(published, wanted).closed.length > 0,
  })),
});

/** The highest priority of the days, with which their request is sent. */
export function priorityOf(days: readonly Pick<DesiredDay, 'priority'>[]): number {
  return Math.min(LOWEST_PRIORITY, ...days.map((day) => day.priority ?? LOWEST_PRIORITY));
}
