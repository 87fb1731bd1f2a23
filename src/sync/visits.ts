/**
 * Cancelling and moving a marketplace booking. Both may be asked for again after a lost answer: what is so already is
 * found out, and is no failure. The record follows at once, before any notification says so. Contract: cancelBooking,
 * moveBooking.
 */
import { toIso, urgency } from '../core/index.js';
import { type Booking, ConflictError, NotFoundError } from '../docplanner/index.js';
import { said } from '../occupancy/said.js';
import type { SaidBooking } from '../occupancy/take-bookings.js';
import { findBookings, type StoredBooking } from '../store/bookings.js';
import { takeIn } from './read-marketplace.js';
import type { Run } from './run.js';

const MINUTE = 60_000;

export interface MoveTo {
  /** Epoch milliseconds. */
  readonly start: number;
  /** An address service id; the booking's own by default. */
  readonly service?: string | undefined;
  /** Minutes; the booking's own by default. */
  readonly duration?: number | undefined;
  /** Another address of the same doctor. */
  readonly addressId?: string | undefined;
  /** Where the appointment that it follows is. Epoch milliseconds. */
  readonly refStart?: number | undefined;
}

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

/**
 * @returns the booking that it is now: it has another id
 * @throws {DocplannerError} where the marketplace refuses it
 */
export async function moveVisit(run: Run, id: string, to: MoveTo): Promise<SaidBooking> {
  const { calendar, account, now, db } = run;
  const known = await knownVisit(run, id);
  const before = await repeated(run, id, to);
  if (before !== undefined) return before;
  const minutes = to.duration ?? (known.end - known.start) / MINUTE;
  const target = { start: to.start, end: to.start + minutes * MINUTE };
  const client = run.client(
    urgency({ closed: [target], opened: [{ start: known.start, end: known.end }], now: now() }),
  );
  const isElsewhere = to.addressId !== undefined && to.addressId !== calendar.addressId;
  let moved: Booking;
  try {
    moved = await client.moveBooking(calendar, id, {
      address_service_id: to.service ?? known.service ?? '',
      start: toIso(to.start, account.timeZone),
      ...(to.duration === undefined ? {} : { duration: to.duration }),
      ...(isElsewhere && to.addressId !== undefined ? { address_id: to.addressId } : {}),
    });
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    // Moved or deleted already; by us, where the answer was lost.
    const home =
      isElsewhere && to.addressId !== undefined ? { ...calendar, addressId: to.addressId } : calendar;
    const until = toIso(to.start + MINUTE, account.timeZone);
    const there = await client.getBookings(home, toIso(to.start, account.timeZone), until);
    const strangers = there.filter((one) => said(one).status === 'booked' && said(one).start === to.start);
    const recorded = await findBookings(
      db,
      calendar.id,
      strangers.map((one) => one.id),
    );
    const found = strangers.find((one) => one.id !== id && !recorded.has(one.id));
    const shown = await unlessGone(client.getBooking(calendar, id));
    if (found === undefined || shown === undefined || said(shown).status !== 'moved') {
      if (shown !== undefined) await takeIn(run, { bookings: [said(shown)] });
      throw error;
    }
    moved = found;
  }
  const ended: SaidBooking = { ...known, status: 'moved', movedTo: moved.id };
  const begun: SaidBooking = { ...said(moved), before: id, refStart: to.refStart };
  await takeIn(run, { bookings: isElsewhere ? [ended] : [ended, begun] });
  return begun;
}

/** What cannot be found out now is no answer: the question is asked again. */
async function unlessGone(asked: Promise<Booking>): Promise<Booking | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

/** Where this very move was made before, the booking that came of it. */
async function repeated({ db, calendar }: Run, id: string, to: MoveTo): Promise<SaidBooking | undefined> {
  const { movedTo } = (await findBookings(db, calendar.id, [id])).get(id) ?? {};
  if (movedTo == null) return undefined;
  const now = (await findBookings(db, calendar.id, [movedTo])).get(movedTo);
  return now?.status === 'booked' && now.start.getTime() === to.start ? toSaid(now) : undefined;
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

const toSaid = ({
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
