/** Lets the missed-booking poller notify the PMS of bookings that a read found, where neither push nor pull reports them. */

import type { CalendarContext } from '../context/context.js';
import { MINUTE } from '../core/duration.js';
import { missedBookingDelayMs } from '../db/tables/accounts.js';
import { scheduleBookingsRead } from '../db/tables/calendar-reads.js';

/** Schedules a read of the calendar's bookings for when push and pull have had their time. */
export async function notifyLater({ db, calendar, account, now }: CalendarContext): Promise<void> {
  const { notifications } = account;
  if (notifications.mode === 'off') return;
  const readAt = now() - notifications.sweepMinutes * MINUTE + missedBookingDelayMs(notifications);
  await scheduleBookingsRead(db, calendar.id, new Date(readAt));
}
