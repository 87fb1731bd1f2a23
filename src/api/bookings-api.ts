/** The operations on a marketplace booking, in this process or over HTTP. */

import type { Instant } from '../core/index.js';

/** A booking as the database has it after the operation. */
export interface BookingReport {
  /** The booking's calendar, also after a move to another address; null where no calendar has that address. */
  readonly calendar: string | null;
  /** The visit booking id, which changes with a move. */
  readonly id: string;
  readonly status: 'booked' | 'canceled' | 'moved';
  /** ISO 8601, in the account's zone. */
  readonly start: string;
  readonly end: string;
  /** The address service id. */
  readonly service: string | null;
  /** The PMS's appointment that the booking is linked to. */
  readonly ref: string | null;
}

export interface MoveBooking {
  /** ISO 8601 with an offset, or as a wall-clock time in the account's zone; a `Date`, or epoch milliseconds. */
  readonly start: Instant;
  /** An address service id; by default the booking's own. */
  readonly service?: string | undefined;
  /** Minutes; by default the booking's own. */
  readonly duration?: number | undefined;
  /** Another address of the facility, of this doctor or another. */
  readonly addressId?: string | undefined;
}

/**
 * Each operation returns undefined for an unknown calendar, and throws the marketplace's refusal (a `DocplannerError`):
 * 400 for an address that does not exist, 403 for an address of another facility, 404, 409 for a booking that was moved or deleted
 * already, 422 for a paid one. All operations may be repeated. A booking that has ended throws a `BookingEndedError`, which names
 * the booking that replaced it, where it was moved.
 */
export interface BookingsApi {
  cancel(
    calendar: string,
    booking: string,
    how?: { reason?: string | undefined },
  ): Promise<BookingReport | undefined>;
  move(calendar: string, booking: string, to: MoveBooking): Promise<BookingReport | undefined>;
  /** Links the booking to an appointment of the PMS, with which it is synced from then on; null removes the link. */
  link(calendar: string, booking: string, ref: string | null): Promise<BookingReport | undefined>;
}
