/**
 * How our own breaks and placeholders are told from others, also by a record that has forgotten them: a break's
 * description and a placeholder's comment say whose they are. Nothing of the appointment itself is in them.
 */
import { createHash } from 'node:crypto';
import type { Booking, CalendarBreak } from '../docplanner/index.js';

const NAME = 'slotkeeper';

/** The calendar is in it, because a break can be put on coupled addresses too, and is not theirs. */
export const breakTag = (calendar: string): string => `${NAME} ${calendar}`;

export const placeholderTag = (calendar: string, ref: string): string =>
  `${NAME} ${createHash('sha256')
    .update(JSON.stringify([calendar, ref]))
    .digest('hex')
    .slice(0, 24)}`;

export const isOwnBreak = (calendar: string, one: CalendarBreak): boolean =>
  one.description === breakTag(calendar);

/** The calendar that a break was made for; null where it has no mark of ours, and absent where it has no description. */
export function tagOf({ description }: CalendarBreak): string | null | undefined {
  if (description === undefined) return undefined;
  const isOurs = typeof description === 'string' && description.startsWith(breakTag(''));
  return isOurs ? description.slice(breakTag('').length) : null;
}

export const isPlaceholder = ({ booked_by: by, comment }: Booking): boolean =>
  by === 'integration' && typeof comment === 'string' && comment.startsWith(`${NAME} `);
