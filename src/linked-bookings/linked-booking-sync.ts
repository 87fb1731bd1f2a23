/**
 * Synchronizes bookings that are linked to an appointment of the PMS: they move with the appointment, and are canceled when
 * it is released.
 */

import { classifyError, isPermanentRefusal } from '../context/classify-error.js';
import type { CalendarContext } from '../context/context.js';
import type { Db } from '../db/schema.js';
import { getCalendar } from '../db/tables/calendars.js';
import { type InDoubtMove, listInDoubtMoves } from '../db/tables/in-doubt.js';
import {
  CANCEL_TARGET,
  findBookingsToSync,
  type LinkedBookingChange,
  recordInSync,
  recordSyncRefused,
} from '../db/tables/linked-bookings.js';
import { RateLimitError } from '../rate-limit/rate-limit-error.js';
import { BookingEndedError } from './booking-ended-error.js';
import { cancelBooking } from './cancel-booking.js';
import { resolveInDoubtMoves } from './in-doubt-moves.js';
import { moveBooking } from './move-booking.js';
import { inOrder, isInTheWay } from './sync-order.js';

/**
 * After so many failures in a row, closing changes are published all the same, although a booking may then be unable to move
 * to its time.
 */
const PATIENCE = 3;

/** What has to be synchronized of a calendar. */
export interface SyncWork {
  readonly moves: readonly InDoubtMove[];
  readonly following: readonly LinkedBookingChange[];
}

export async function findSyncWork(db: Db, calendar: string, now: Date): Promise<SyncWork> {
  const [moves, following] = await Promise.all([
    listInDoubtMoves(db, calendar),
    findBookingsToSync(db, calendar, now),
  ]);
  return { moves, following };
}

/**
 * Synchronizes the calendar's linked bookings before anything is published, because a booking can only move to a time that
 * is still on sale. A booking that the marketplace refuses to change fails, also with a 403: whether the whole calendar may
 * not be edited shows when its days are published. A booking whose request gets no answer is retried later
 * (`context.unanswered`): closing does not wait for a cancellation, and not for long for a move.
 * @returns until when changes that only free time wait for the rate limiter, in epoch milliseconds
 */
export async function syncLinkedBookings(
  context: CalendarContext,
  { moves, following }: SyncWork,
): Promise<number | undefined> {
  const toSync = (db: Db) => findBookingsToSync(db, context.calendar.id, new Date(context.now()));
  if (moves.length === 0) return await syncEach(context, following);
  try {
    await resolveInDoubtMoves(context, moves);
  } catch (error) {
    // The booking may be elsewhere by now: no booking is synchronized before that is known.
    await leave(context, await toSync(context.db), error, true);
    return undefined;
  }
  return await syncEach(context, await toSync(context.db));
}

/** Synchronizes the bookings that move, and those that block their target times. @returns whether any booking moves */
export async function syncMoves(
  context: CalendarContext,
  all: readonly LinkedBookingChange[],
): Promise<boolean> {
  const left = all.filter(({ booking }) => !context.unanswered.bookings.has(booking.id));
  const moves = left.filter(isMove);
  await syncEach(
    context,
    left.filter((one) => isHighPriority(one, moves)),
  );
  return moves.length > 0;
}

const isMove = ({ to }: LinkedBookingChange): boolean => to !== undefined;

/** A cancellation has a low priority, unless a move waits for it. */
const isHighPriority = (one: LinkedBookingChange, all: readonly LinkedBookingChange[]): boolean =>
  isMove(one) || all.some((other) => isInTheWay(one, other));

async function syncEach(
  context: CalendarContext,
  all: readonly LinkedBookingChange[],
): Promise<number | undefined> {
  let waitsUntil: number | undefined;
  for (const following of inOrder(all)) {
    const urgent = isHighPriority(following, all);
    if (waitsUntil !== undefined && !urgent) continue;
    const { bookings, error: unanswered } = context.unanswered;
    if (all.some((one) => bookings.has(one.booking.id) && isInTheWay(one, following))) {
      await leave(context, [following], unanswered, urgent);
      continue;
    }
    try {
      await follow(context, following, urgent);
    } catch (error) {
      // The booking moved, and its successor is synchronized by itself.
      if (error instanceof BookingEndedError) continue;
      if (error instanceof RateLimitError && !urgent) waitsUntil = error.until;
      else if (isPermanentRefusal(error)) await setApart(context, following, error.message);
      else await leave(context, [following], error, urgent);
    }
  }
  return waitsUntil;
}

async function follow(
  context: CalendarContext,
  { booking, to }: LinkedBookingChange,
  urgent: boolean,
): Promise<void> {
  if (to === undefined) {
    await cancelBooking(context, booking.id, { follows: true, urgent });
  } else if (to.start.getTime() === booking.start.getTime()) {
    await recordInSync(context.db, booking, to.start);
  } else {
    await moveBooking(context, booking.id, {
      start: to.start.getTime(),
      service: to.service ?? undefined,
      refStart: to.start.getTime(),
    });
  }
}

async function setApart(
  context: CalendarContext,
  { booking, to }: LinkedBookingChange,
  reason: string,
): Promise<void> {
  context.log.warn(
    { calendar: context.calendar.id, booking: booking.id, reason },
    'a linked booking cannot be synchronized with its appointment',
  );
  const failed = { for: to === undefined ? CANCEL_TARGET : to.start.toISOString(), reason };
  await recordSyncRefused(context.db, booking, failed, new Date(context.now()), context.random());
}

/** Skips bookings for the rest of this reconcile. @throws an error that is no missing answer */
async function leave(
  context: CalendarContext,
  some: readonly LinkedBookingChange[],
  error: unknown,
  urgent: boolean,
): Promise<void> {
  if (classifyError(error, context.now()).kind !== 'retry') throw error;
  if (urgent && !(await hasWaited(context))) throw error;
  for (const { booking } of some) context.unanswered.bookings.add(booking.id);
  context.unanswered.error ??= error;
}

/** Whether the calendar has failed so often that publishing no longer waits for a booking that gets no answer. */
export async function hasWaited({ db, calendar }: CalendarContext): Promise<boolean> {
  return ((await getCalendar(db, calendar.id))?.retrying?.attempts ?? 0) >= PATIENCE;
}
