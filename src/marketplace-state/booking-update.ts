/** What the marketplace writes about a booking, for the record. */

import { MINUTE } from '../core/duration.js';
import type { BookingStatus } from '../db/tables/bookings.js';
import { type Booking, serviceOf } from '../docplanner/index.js';
import type { BookingUpdate } from './apply-bookings.js';
import { isPlaceholder } from './ownership-tags.js';

/**
 * A booking that we were told of and that the marketplace does not know (404) is over only when this is so for longer: what
 * answers may not have heard of it yet, and a patient's time would be sold again.
 */
export const GONE_AFTER_MS = 5 * MINUTE;

/**
 * A booking that moved is over under its id, and canceled as far as its status says; `moving` names the one that it is now,
 * where that was asked for. Contract: Moved bookings.
 */
export function said(booking: Booking): BookingUpdate {
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

/** Whatever is not over holds its time. */
function statusOf(status: string): BookingStatus {
  if (status === 'moved') return 'moved';
  return status === 'canceled' || status === 'cancelled' ? 'canceled' : 'booked';
}
