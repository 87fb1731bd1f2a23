/** Converts a booking as the marketplace writes it into an update for the database. */

import { MINUTE } from '../core/duration.js';
import type { BookingStatus } from '../db/tables/bookings.js';
import { type Booking, serviceOf } from '../docplanner/index.js';
import type { BookingUpdate } from './apply-bookings.js';
import { isPlaceholder } from './ownership-tags.js';

/**
 * How long a reported booking must be unknown to the marketplace (404) before it counts as ended: the server that answers may not
 * know the booking yet, and ending it early would sell a patient's time again.
 */
export const GONE_AFTER_MS = 5 * MINUTE;

/**
 * A moved booking has ended under its id, and its status alone says `canceled`. `moving` names its successor, where the request
 * asked for that field. Contract: Moved bookings.
 */
export function toBookingUpdate(booking: Booking): BookingUpdate {
  const status = statusOf(booking.status);
  const newest = booking.moving?.newest_booking_id ?? booking.id;
  return {
    id: booking.id,
    ...(status === 'booked' || newest === booking.id ? { status } : { status: 'moved', movedTo: newest }),
    start: Date.parse(booking.start_at),
    end: Date.parse(booking.end_at),
    service: serviceOf(booking),
    bookedBy: typeof booking.booked_by === 'string' ? booking.booked_by : undefined,
    ...(isPlaceholder(booking) ? { placeholder: { ref: null } } : {}),
  };
}

/** Every status that does not end a booking counts as booked. */
function statusOf(status: string): BookingStatus {
  if (status === 'moved') return 'moved';
  return status === 'canceled' || status === 'cancelled' ? 'canceled' : 'booked';
}
