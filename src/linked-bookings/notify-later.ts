/** What a reading of ours found is told to the clinic by the look for bookings, where neither push nor pull tells it. */

import type { CalendarContext } from '../context/context.js';
import { MINUTE } from '../core/duration.js';
import { missedBookingDelayMs } from '../db/tables/accounts.js';
import { scheduleBookingsRead } from '../db/tables/calendar-reads.js';

/** Has the calendar's bookings looked for as soon as push and pull have had their time. */
export async function notifyLater({ db, calendar, account, now }: CalendarContext): Promise<void> {
  const { notifications } = account;
  if (notifications.mode === 'off') return;
  const readAt = now() - notifications.sweepMinutes * MINUTE + missedBookingDelayMs(notifications);
  await scheduleBookingsRead(db, calendar.id, new Date(readAt));
}
