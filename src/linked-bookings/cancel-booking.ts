/**
 * Cancels a marketplace booking. The request may be repeated after a lost answer: a booking that is canceled already is no
 * failure. The database is updated at once, before any notification arrives. Contract: cancelBooking.
 */

import { BookingNotVisibleError } from '../context/booking-not-visible-error.js';
import type { CalendarContext } from '../context/context.js';
import { datesOf, HIGHEST_PRIORITY, priority } from '../core/index.js';
import { findBookings, findBookingsUnchangedSince, type StoredBooking } from '../db/tables/bookings.js';
import { ConflictError, InvalidRequestError, NotFoundError } from '../docplanner/index.js';
import type { BookingUpdate } from '../marketplace-state/apply-bookings.js';
import { GONE_AFTER_MS, toBookingUpdate } from '../marketplace-state/booking-update.js';
import { applyUpdates } from '../marketplace-state/fetch-state.js';
import { BookingEndedError } from './booking-ended-error.js';
import { applyFetchedBooking, fetchBooking } from './fetch-booking.js';

export interface CancelBooking {
  /** For the patient. */
  readonly reason?: string | undefined;
  /** Whether its appointment was released; otherwise the appointment's time is still to be blocked. */
  readonly follows?: boolean | undefined;
  /** Whether another booking moves to its time. */
  readonly urgent?: boolean | undefined;
}

/**
 * @throws {DocplannerError} where the marketplace refuses it
 * @throws {BookingEndedError} where it moved: its successor has another id
 */
export async function cancelBooking(
  context: CalendarContext,
  id: string,
  how: CancelBooking = {},
): Promise<void> {
  const { calendar, account, now } = context;
  const { reason, follows = false, urgent = false } = how;
  const ownChange = follows ? ({ isOwnChange: true } as const) : {};
  const known = await findKnownBooking(context, id);
  if (known.status === 'canceled') return;
  if (known.status === 'moved') throw new BookingEndedError(id, 'moved', known.movedTo);
  const span = [{ start: known.start, end: known.end }];
  const client = context.client(
    priority({ closed: urgent ? span : [], opened: urgent ? [] : span, now: now() }),
    undefined,
    { days: datesOf(known, account.timeZone).map((date) => ({ date })), booking: id },
  );
  try {
    await client.cancelBooking(calendar, id, reason);
  } catch (error) {
    if (!mayHaveEnded(error)) throw error;
    // Canceled by us, where the answer was lost, or by somebody else.
    const fetched = await fetchBooking(context, id);
    if (fetched === undefined) {
      // A cancellation that was dropped would leave a booking that the PMS does not know.
      const since = new Date(now() - GONE_AFTER_MS);
      if (!(await findBookingsUnchangedSince(context.db, calendar.id, [id], since)).has(id)) {
        throw follows ? new BookingNotVisibleError(id) : error;
      }
    } else {
      const now = toBookingUpdate(fetched.shown);
      if (now.status === 'moved') {
        await applyFetchedBooking(context, fetched);
        throw new BookingEndedError(id, 'moved', now.movedTo);
      }
      await applyUpdates(context, { bookings: [{ ...now, ...ownChange }] });
      if (now.status !== 'canceled') throw error;
      return;
    }
  }
  await applyUpdates(context, { bookings: [{ ...known, status: 'canceled', ...ownChange }] });
}

/** Whether a refused cancellation says that there is nothing to cancel. Contract: cancelBooking. */
export const mayHaveEnded = (error: unknown): error is Error =>
  [NotFoundError, ConflictError, InvalidRequestError].some((kind) => error instanceof kind);

/** The booking from the database, or from the marketplace where the database has none. */
export async function findKnownBooking(context: CalendarContext, id: string): Promise<BookingUpdate> {
  const { db, calendar } = context;
  const known = (await findBookings(db, calendar.id, [id])).get(id);
  if (known !== undefined) return toUpdate(known);
  const shown = toBookingUpdate(await context.client(HIGHEST_PRIORITY).getBooking(calendar, id, ['moving']));
  await applyUpdates(context, { bookings: [shown] });
  return shown;
}

export const toUpdate = ({
  id,
  status,
  start,
  end,
  service,
  bookedBy,
  placeholder,
  ref,
  movedTo,
}: StoredBooking): BookingUpdate => ({
  id,
  status,
  start: start.getTime(),
  end: end.getTime(),
  service: service ?? undefined,
  bookedBy: bookedBy ?? undefined,
  movedTo: movedTo ?? undefined,
  ...(placeholder ? { placeholder: { ref } } : {}),
});
