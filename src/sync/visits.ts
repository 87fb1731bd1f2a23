/**
 * Cancelling a marketplace booking. It may be asked for again after a lost answer: what is so already is found out, and is
 * no failure. The record follows at once, before any notification says so. Contract: cancelBooking.
 */
import { urgency } from '../core/index.js';
import { ConflictError, NotFoundError } from '../docplanner/index.js';
import { said } from '../occupancy/said.js';
import type { SaidBooking } from '../occupancy/take-bookings.js';
import { findBookings, type StoredBooking } from '../store/bookings.js';
import { takeIn } from './read-marketplace.js';
import type { Run } from './run.js';
import { unlessGone } from './sent-moves.js';

/** @throws {DocplannerError} where the marketplace refuses it */
export async function cancelVisit(run: Run, id: string, reason?: string): Promise<void> {
  const { calendar, now } = run;
  const known = await knownVisit(run, id);
  if (known.status === 'canceled') return;
  const span = { start: known.start, end: known.end };
  const client = run.client(urgency({ closed: [], opened: [span], now: now() }));
  try {
    await client.cancelBooking(calendar, id, reason);
  } catch (error) {
    if (!(error instanceof NotFoundError || error instanceof ConflictError)) throw error;
    // It may be over already: by us, where the answer was lost, or by somebody else.
    const shown = await unlessGone(client.getBooking(calendar, id));
    if (shown !== undefined) {
      await takeIn(run, { bookings: [said(shown)] });
      if (said(shown).status !== 'canceled') throw error;
      return;
    }
  }
  await takeIn(run, { bookings: [{ ...known, status: 'canceled' }] });
}

/** As the record knows it, or the marketplace. */
export async function knownVisit(run: Run, id: string): Promise<SaidBooking> {
  const { db, calendar } = run;
  const known = (await findBookings(db, calendar.id, [id])).get(id);
  if (known !== undefined) return toSaid(known);
  const shown = said(await run.client(1).getBooking(calendar, id));
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
}: StoredBooking): SaidBooking => ({
  id,
  status,
  start: start.getTime(),
  end: end.getTime(),
  service: service ?? undefined,
  bookedBy: bookedBy ?? undefined,
  ...(placeholder ? { placeholder: { ref } } : {}),
});
