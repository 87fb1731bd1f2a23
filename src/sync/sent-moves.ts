/**
 * What became of moves whose answers were lost. A booking that moved has another id, which only the answer tells: it is
 * looked for among those that begin where it was to go, and taken for ours only where it is of the same patient. Whoever
 * else has booked that time meanwhile is left alone. Contract: moveBooking.
 */
import { MOST_URGENT, toIso } from '../core/index.js';
import { type Booking, NotFoundError } from '../docplanner/index.js';
import { said } from '../occupancy/said.js';
import type { SaidBooking } from '../occupancy/take-bookings.js';
import { findBookings, type StoredBooking } from '../store/bookings.js';
import { calendarAt, getCalendar } from '../store/calendars.js';
import { forgetMove, type SentMove, sentMoves } from '../store/sent-moves.js';
import { takeIn } from './read-marketplace.js';
import { isRefusal } from './refusal.js';
import type { Run } from './run.js';
import { cameOf } from './same-visit.js';

const MINUTE = 60_000;

/** Finds out about all of them, so that what is linked to a booking that moved follows from where it is now. */
export async function settleMoves(run: Run): Promise<void> {
  const { db, calendar, log } = run;
  for (const move of await sentMoves(db, calendar.id)) {
    try {
      await settleMove(run, move);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const about = { calendar: calendar.id, booking: move.booking, reason: error.message };
      log.warn(about, 'what became of a move of a booking cannot be found out');
      await forgetMove(db, calendar.id, move.booking);
    }
  }
}

/** @returns the booking that it is now; undefined where the move was not made */
export async function settleMove(run: Run, move: SentMove): Promise<SaidBooking | undefined> {
  const { db, calendar } = run;
  const before = await unlessGone(run.client(MOST_URGENT).getBooking(calendar, move.booking));
  const now = before === undefined ? undefined : said(before);
  const moved = before && now?.status === 'moved' ? await successorOf(run, move, before) : undefined;
  const begun = moved && { ...said(moved), before: move.booking };
  if (now !== undefined && begun !== undefined) {
    await takeMove(run, move, { ...now, movedTo: begun.id }, begun);
  } else if (now !== undefined && now.status !== 'booked') {
    await takeIn(run, { bookings: [now] });
  }
  await forgetMove(db, calendar.id, move.booking);
  return begun;
}

/**
 * It is elsewhere now, and another: at another address it is in the calendar that is there, if that is one of ours. There it is
 * taken time before it ends here.
 */
export async function takeMove(
  run: Run,
  { addressId }: Pick<SentMove, 'addressId'>,
  ended: SaidBooking,
  begun: SaidBooking,
): Promise<void> {
  const { db, calendar } = run;
  if (addressId === calendar.addressId) {
    await takeIn(run, { bookings: [ended, begun] });
    return;
  }
  const home = await calendarAt(db, { ...calendar, addressId });
  const there = home === undefined ? undefined : await getCalendar(db, home);
  if (there !== undefined) await takeIn({ ...run, calendar: there }, { bookings: [begun] });
  await takeIn(run, { bookings: [ended] });
}

async function successorOf(run: Run, move: SentMove, before: Booking): Promise<Booking | undefined> {
  const { db, calendar, account } = run;
  const from = move.start.getTime();
  const [since, until] = [toIso(from, account.timeZone), toIso(from + MINUTE, account.timeZone)];
  const home = { ...calendar, addressId: move.addressId };
  const there = await run.client(MOST_URGENT).getBookings(home, since, until, ['patient', 'address_service']);
  const candidates = there.filter((one) => cameOf(move, before, one));
  const place = await calendarAt(db, home);
  const ids = candidates.map(({ id }) => id);
  const known = place === undefined ? new Map<string, StoredBooking>() : await findBookings(db, place, ids);
  // What it is linked to goes along in its own calendar only.
  const ref =
    place === calendar.id ? (await findBookings(db, place, [move.booking])).get(move.booking)?.ref : null;
  const free = candidates.filter(({ id }) => {
    const one = known.get(id);
    return one === undefined || (!one.placeholder && (one.ref === null || one.ref === ref));
  });
  // Of two nobody knows which.
  return free.length === 1 ? free[0] : undefined;
}

/** What cannot be found out now is no answer: the question is asked again. */
export async function unlessGone(asked: Promise<Booking>): Promise<Booking | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
