/**
 * Tags that identify this engine's breaks and placeholders at the marketplace, also after the database has lost them: a break's
 * description and a placeholder's comment name the owner. They contain nothing of the appointment.
 */
import { createHash } from 'node:crypto';
import type { Booking, CalendarBreak } from '../docplanner/index.js';

const NAME = 'slotkeeper';

/** The tag contains the calendar, because the marketplace copies a break to coupled addresses, which do not own it. */
export const breakTag = (calendar: string): string => `${NAME} ${calendar}`;

export const placeholderTag = (calendar: string, ref: string): string =>
  `${NAME} ${createHash('sha256')
    .update(JSON.stringify([calendar, ref]))
    .digest('hex')
    .slice(0, 24)}`;

export const isOwnBreak = (calendar: string, calendarBreak: CalendarBreak): boolean =>
  calendarBreak.description === breakTag(calendar);

/** The calendar that a break was made for; null where it has no tag of this engine, and absent where it has no description. */
export function tagOf({ description }: CalendarBreak): string | null | undefined {
  if (description === undefined) return undefined;
  const isTagged = typeof description === 'string' && description.startsWith(breakTag(''));
  return isTagged ? description.slice(breakTag('').length) : null;
}

export const isPlaceholder = ({ booked_by: by, comment }: Booking): boolean =>
  by === 'integration' && typeof comment === 'string' && comment.startsWith(`${NAME} `);
