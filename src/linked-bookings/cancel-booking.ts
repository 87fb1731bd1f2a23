/**
 * Cancelling a marketplace booking. It may be asked for again after a lost answer: what is so already is found out, and is
 * no failure. The record follows at once, before any notification says so. Contract: cancelBooking.
 */

import { NotKnownYetError } from '../context/booking-not-visible-error.js';
import type { Run } from '../context/context.js';
import { MOST_URGENT, urgency } from '../core/index.js';
import { findBookings, type StoredBooking, settledBookings } from '../db/tables/bookings.js';
import { ConflictError, InvalidRequestError, NotFoundError } from '../docplanner/index.js';
import type { SaidBooking } from '../marketplace-state/apply-bookings.js';
import { GONE_AFTER_MS, said } from '../marketplace-state/booking-update.js';
import { takeIn } from '../marketplace-state/fetch-state.js';
import { BookingOverError } from './booking-ended-error.js';
import { readVisit, takeVisit } from './fetch-booking.js';

export interface CancelVisit {
  /** For the patient. */
  readonly reason?: string | undefined;
  /** Whether its appointment was released; otherwise that is still to be hidden. */
  readonly follows?: boolean | undefined;
  /** Whether another moves to its time. */
  readonly urgent?: boolean | undefined;
}

/**
 * @throws {DocplannerError} where the marketplace refuses it
 * @throws {BookingOverError} where it moved: it is another one now
 */
export async function cancelVisit(run: Run, id: string, how: CancelVisit = {}): Promise<void> {
  const { calendar, now } = run;
  const { reason, follows = false, urgent = false } = how;
  const byUs = follows ? ({ byUs: true } as const) : {};
  const known = await knownVisit(run, id);
  if (known.status === 'canceled') return;
  if (known.status === 'moved') throw new BookingOverError(id, 'moved', known.movedTo);
  const span = [{ start: known.start, end: known.end }];
  const client = run.client(urgency({ closed: urgent ? span : [], opened: urgent ? [] : span, now: now() }));
  try {
    await client.cancelBooking(calendar, id, reason);
  } catch (error) {
    if (!mayBeOver(error)) throw error;
    // By us, where the answer was lost, or by somebody else.
    const visit = await readVisit(run, id);
    if (visit === undefined) {
      // A cancellation that was lost sight of would leave a visit that nobody here knows.
      const since = new Date(now() - GONE_AFTER_MS);
      if (!(await settledBookings(run.db, calendar.id, [id], since)).has(id)) {
        throw follows ? new NotKnownYetError(id) : error;
      }
    } else {
      const now = said(visit.shown);
      if (now.status === 'moved') {
        await takeVisit(run, visit);
        throw new BookingOverError(id, 'moved', now.movedTo);
      }
      await takeIn(run, { bookings: [{ ...now, ...byUs }] });
      if (now.status !== 'canceled') throw error;
      return;
    }
  }
  await takeIn(run, { bookings: [{ ...known, status: 'canceled', ...byUs }] });
}

/** Whether a refused cancellation says that there is nothing to cancel. Contract: cancelBooking. */
export const mayBeOver = (error: unknown): error is Error =>
  [NotFoundError, ConflictError, InvalidRequestError].some((kind) => error instanceof kind);

/** As the record knows it, or the marketplace. */
export async function knownVisit(run: Run, id: string): Promise<SaidBooking> {
  const { db, calendar } = run;
  const known = (await findBookings(db, calendar.id, [id])).get(id);
  if (known !== undefined) return toSaid(known);
  const shown = said(await run.client(MOST_URGENT).getBooking(calendar, id, ['moving']));
  await takeIn(run, { bookings: [shown] });
  return shown;
}

export const toSaid = ({
  id,
  status,
  start,
  end,
  service,
  bookedBy,
  placeholder,
  ref,
  movedTo,
}: StoredBooking): SaidBooking => ({
  id,
  status,
  start: start.getTime(),
  end: end.getTime(),
  service: service ?? undefined,
  bookedBy: bookedBy ?? undefined,
  movedTo: movedTo ?? undefined,
  ...(placeholder ? { placeholder: { ref } } : {}),
});
