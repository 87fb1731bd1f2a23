/**
 * Moving a marketplace booking. It may be asked for again after a lost answer, and is not done twice: each move is written
 * down before it is sent, and what became of an earlier one is found out first. The record follows at once, before any
 * notification says so. Contract: moveBooking.
 */

import type { Run } from '../context/context.js';
import { isRefusal } from '../context/permanent-refusal.js';
import { MOST_URGENT, toIso, urgency } from '../core/index.js';
import { findBookings, findBookingsOf, type StoredBooking } from '../db/tables/bookings.js';
import { getCalendar } from '../db/tables/calendars.js';
import { forgetMove, noteMove, type SentMove, sentMoves } from '../db/tables/in-doubt-moves.js';
import { ConflictError } from '../docplanner/index.js';
import { newestOf, type SaidBooking, withSuccessors } from '../marketplace-state/apply-bookings.js';
import { said } from '../marketplace-state/booking-update.js';
import { BookingOverError } from './booking-ended-error.js';
import { knownVisit, toSaid } from './cancel-booking.js';
import { findVisit, placeAt, readVisit, takeMove, takeVisit } from './fetch-booking.js';
import { settleMove } from './in-doubt-moves.js';

const MINUTE = 60_000;

export interface MoveTo {
  /** Epoch milliseconds. */
  readonly start: number;
  /** An address service id; the booking's own by default. */
  readonly service?: string | undefined;
  /** Minutes; the booking's own by default. */
  readonly duration?: number | undefined;
  /** Another address of the facility, of this doctor or another. */
  readonly addressId?: string | undefined;
  /** Where the appointment that it follows is. Epoch milliseconds. */
  readonly refStart?: number | undefined;
}

/**
 * @returns the booking that it is now: it has another id
 * @throws {DocplannerError} where the marketplace refuses it
 * @throws {BookingOverError} where somebody else has moved it meanwhile
 */
export async function moveVisit(run: Run, id: string, to: MoveTo): Promise<SaidBooking> {
  const { calendar, account, now, db } = run;
  const known = await knownVisit(run, id);
  const move = moveOf(run, known, to);
  const successors = await successorsOf(run, id);
  const before = await repeated(run, move, successors);
  if (before !== undefined) return before;
  const earlier = (await sentMoves(db, calendar.id)).find(({ booking }) => booking === id);
  if (earlier === undefined && successors.newest !== id)
    throw new BookingOverError(id, 'moved', successors.newest);
  const settled = earlier && (await settleMove(run, earlier));
  if (earlier !== undefined && settled !== undefined) {
    const isAsSent = settled.start === earlier.start.getTime();
    if (isAsSent && isSameMove(move, earlier)) return settled;
    if (isAsSent && earlier.addressId === calendar.addressId) return await moveVisit(run, settled.id, to);
    throw new BookingOverError(id, 'moved', settled.id);
  }
  const minutes = to.duration ?? (known.end - known.start) / MINUTE;
  const target = { start: to.start, end: to.start + minutes * MINUTE };
  const client = run.client(
    urgency({ closed: [target], opened: [{ start: known.start, end: known.end }], now: now() }),
    () => noteMove(db, calendar.id, move),
  );
  try {
    const moved = await client.moveBooking(calendar, id, {
      address_service_id: to.service ?? (await serviceOf(run, known)),
      start: toIso(to.start, account.timeZone),
      ...(to.duration === undefined ? {} : { duration: to.duration }),
      ...(move.addressId === calendar.addressId ? {} : { address_id: move.addressId }),
    });
    const followed = to.refStart === undefined ? {} : ({ byUs: true } as const);
    const ended: SaidBooking = { ...known, status: 'moved', movedTo: moved.id, ...followed };
    const begun: SaidBooking = { ...said(moved), before: id, refStart: to.refStart };
    await takeMove(run, (await placeAt(run, move.addressId)).home, ended, begun);
    await forgetMove(db, calendar.id, id);
    return begun;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (error instanceof ConflictError) {
      // Moved or deleted already. What is not told is looked for only where it was sent before, and was slower than the question
      // what became of it.
      const wasSent = earlier !== undefined && isSameMove(move, earlier);
      const moved = wasSent ? await settleMove(run, move) : await lookAgain(run, move);
      if (moved?.start === to.start) return moved;
    }
    await forgetMove(db, calendar.id, id);
    throw error;
  }
}

/** A length is known where it is asked for, and where it is the booking's own and its service stays. */
function moveOf({ calendar }: Run, known: SaidBooking, to: MoveTo): SentMove {
  const keepsService = to.service === undefined || to.service === known.service;
  return {
    booking: known.id,
    start: new Date(to.start),
    minutes: to.duration ?? (keepsService ? (known.end - known.start) / MINUTE : null),
    addressId: to.addressId ?? calendar.addressId,
  };
}

const isSameMove = (one: SentMove, other: SentMove): boolean =>
  one.start.getTime() === other.start.getTime() && one.addressId === other.addressId;

/** The record may be behind. @returns what it is now, where it is at the address where it was to go */
async function lookAgain(run: Run, { booking, addressId }: SentMove): Promise<SaidBooking | undefined> {
  const visit = await readVisit(run, booking, addressId);
  const begun = visit && (await takeVisit(run, visit));
  return visit?.became?.place.addressId === addressId ? begun : undefined;
}

/** Where neither the record nor the marketplace knows it, the marketplace says what it wants. */
async function serviceOf({ client, calendar }: Run, { id, service }: SaidBooking): Promise<string> {
  return service ?? said(await client(MOST_URGENT).getBooking(calendar, id)).service ?? '';
}

interface Successors {
  /** What it is now; its own id where it has not moved. */
  readonly newest: string;
  readonly all: readonly StoredBooking[];
}

/** What the booking has become, as the record has it. */
async function successorsOf({ db, calendar }: Run, booking: string): Promise<Successors> {
  const find = (ids: readonly string[]) => findBookingsOf(db, calendar.account, ids);
  const all = await withSuccessors([...(await findBookings(db, calendar.id, [booking])).values()], find);
  return { newest: newestOf(booking, all), all };
}

/** Where this very move was made before, the booking that it is now: as the record has it, or the marketplace. */
async function repeated(
  run: Run,
  { booking, start, addressId }: SentMove,
  { newest, all }: Successors,
): Promise<SaidBooking | undefined> {
  const { db } = run;
  if (newest === booking) return undefined;
  const known = all.find(({ id, status }) => id === newest && status === 'booked');
  const home = known && (await getCalendar(db, known.calendar));
  const found = home === undefined ? await findVisit(run, newest, addressId) : undefined;
  const now = known === undefined ? found && said(found.booking) : toSaid(known);
  const isThere = (home ?? found?.place)?.addressId === addressId;
  return isThere && now?.status === 'booked' && now.start === start.getTime() ? now : undefined;
}
