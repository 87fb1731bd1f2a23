/** What can be done with a marketplace booking, in this process or over HTTP. */

import type { Instant } from '../core/index.js';

/** A booking as the record knows it after it was done. */
export interface BookingReport {
  /** The one that it is in: after a move to another address another one; null where that address is no calendar here. */
  readonly calendar: string | null;
  /** The visit booking id; after a move it is another one. */
  readonly id: string;
  readonly status: 'booked' | 'canceled' | 'moved';
  /** ISO 8601, in the account's zone. */
  readonly start: string;
  readonly end: string;
  /** The address service id. */
  readonly service: string | null;
  /** The PMS's appointment that it is linked to. */
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
 * Each answers undefined where there is no such calendar, and throws the marketplace's refusal (a `DocplannerError`):
 * 400 as an address that does not exist, 403 as one of another facility, 404, 409 moved or deleted already, 422 paid. All may be
 * repeated. One that is over throws a `BookingEndedError`, which names the booking that it is now, where it moved.
 */
export interface BookingsApi {
  cancel(
    calendar: string,
    booking: string,
    how?: { reason?: string | undefined },
  ): Promise<BookingReport | undefined>;
  move(calendar: string, booking: string, to: MoveBooking): Promise<BookingReport | undefined>;
  /** Ties it to an appointment of the PMS, which it follows from then on; null unties it. */
  link(calendar: string, booking: string, ref: string | null): Promise<BookingReport | undefined>;
}
