/**
 * Moving a marketplace booking. It may be asked for again after a lost answer, and is not done twice: each move is written
 * down before it is sent, and what became of an earlier one is found out first. The record follows at once, before any
 * notification says so. Contract: moveBooking.
 */
import { MOST_URGENT, toIso, urgency } from '../core/index.js';
import { ConflictError } from '../docplanner/index.js';
import { said } from '../occupancy/said.js';
import type { SaidBooking } from '../occupancy/take-bookings.js';
import { findBookings } from '../store/bookings.js';
import { calendarAt } from '../store/calendars.js';
import { forgetMove, noteMove, type SentMove, sentMoves } from '../store/sent-moves.js';
import { takeIn } from './read-marketplace.js';
import { isRefusal } from './refusal.js';
import type { Run } from './run.js';
import { settleMove, takeMove, unlessGone } from './sent-moves.js';
import { knownVisit, toSaid } from './visits.js';

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

/**
 * @returns the booking that it is now: it has another id
 * @throws {DocplannerError} where the marketplace refuses it
 */
export async function moveVisit(run: Run, id: string, to: MoveTo): Promise<SaidBooking> {
  const { calendar, account, now, db } = run;
  const known = await knownVisit(run, id);
  const move = moveOf(run, known, to);
  const before = await repeated(run, move);
  if (before !== undefined) return before;
  const earlier = (await sentMoves(db, calendar.id)).find(({ booking }) => booking === id);
  const settled = earlier && (await settleMove(run, earlier));
  if (earlier !== undefined && settled !== undefined) {
    return isSameMove(move, earlier) ? settled : await moveVisit(run, settled.id, to);
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
    await takeMove(run, move, ended, begun);
    await forgetMove(db, calendar.id, id);
    return begun;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (error instanceof ConflictError) {
      // Moved or deleted already. By us only where it was sent before, and slower than the question what became of it.
      const wasSent = earlier !== undefined && isSameMove(move, earlier);
      const moved = wasSent ? await settleMove(run, move) : await lookAgain(run, id);
      if (moved !== undefined) return moved;
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

/** The record may be behind. */
async function lookAgain(run: Run, id: string): Promise<undefined> {
  const shown = await unlessGone(run.client(MOST_URGENT).getBooking(run.calendar, id));
  if (shown !== undefined) await takeIn(run, { bookings: [said(shown)] });
}

/** Where neither the record nor the marketplace knows it, the marketplace says what it wants. */
async function serviceOf({ client, calendar }: Run, { id, service }: SaidBooking): Promise<string> {
  return service ?? said(await client(MOST_URGENT).getBooking(calendar, id)).service ?? '';
}

/** Where this very move was made before, the booking that came of it: as the record has it, or the marketplace. */
async function repeated(
  { db, calendar, client }: Run,
  { booking, start, addressId }: SentMove,
): Promise<SaidBooking | undefined> {
  const { movedTo } = (await findBookings(db, calendar.id, [booking])).get(booking) ?? {};
  if (movedTo == null) return undefined;
  const place = { ...calendar, addressId };
  const home = await calendarAt(db, place);
  const known = home === undefined ? undefined : (await findBookings(db, home, [movedTo])).get(movedTo);
  const now =
    known === undefined ? await unlessGone(client(MOST_URGENT).getBooking(place, movedTo)) : undefined;
  const became = known === undefined ? now && said(now) : toSaid(known);
  return became?.status === 'booked' && became.start === start.getTime() ? became : undefined;
}
