/** Bookings that are linked to an appointment of the PMS go where it goes, and are cancelled when it is released. */
import {
  agreeWithAppointment,
  bookingRefused,
  bookingsToFollow,
  CANCEL,
  type Following,
} from '../store/following.js';
import { BudgetSpentError } from './budget-spent-error.js';
import { moveVisit } from './move-visit.js';
import { isRefusal } from './refusal.js';
import type { Run } from './run.js';
import { settleMoves } from './sent-moves.js';
import { cancelVisit } from './visits.js';

/**
 * Has the bookings follow; it comes before anything is published, because a booking can only move to a time that is
 * still on offer. What the marketplace refuses is set apart as failed, also with a 403: whether the whole calendar may not
 * be edited shows when it is told of its days.
 * @returns until when what only frees time has to wait for the budget, in epoch milliseconds
 */
export async function followAppointments(run: Run): Promise<number | undefined> {
  await settleMoves(run);
  const all = await bookingsToFollow(run.db, run.calendar.id);
  await followEach(run, all.filter(isMove));
  return await followEach(
    run,
    all.filter((one) => !isMove(one)),
  );
}

/** Those that go elsewhere, and no others. @returns whether there were any */
export async function followMoves(run: Run): Promise<boolean> {
  const moves = (await bookingsToFollow(run.db, run.calendar.id)).filter(isMove);
  await followEach(run, moves);
  return moves.length > 0;
}

const isMove = ({ to }: Following): boolean => to !== undefined;

async function followEach(run: Run, followings: readonly Following[]): Promise<number | undefined> {
  for (const following of followings) {
    try {
      await follow(run, following);
    } catch (error) {
      if (error instanceof BudgetSpentError && following.to === undefined) return error.until;
      if (!isRefusal(error)) throw error;
      const { booking, to } = following;
      run.log.warn(
        { calendar: run.calendar.id, booking: booking.id, reason: error.message },
        'a booking cannot follow its appointment',
      );
      await bookingRefused(run.db, booking, {
        for: to === undefined ? CANCEL : to.start.toISOString(),
        reason: error.message,
      });
    }
  }
  return undefined;
}

async function follow(run: Run, { booking, to }: Following): Promise<void> {
  if (to === undefined) {
    await cancelVisit(run, booking.id);
  } else if (to.start.getTime() === booking.start.getTime()) {
    await agreeWithAppointment(run.db, booking, to.start);
  } else {
    await moveVisit(run, booking.id, {
      start: to.start.getTime(),
      service: to.service ?? undefined,
      refStart: to.start.getTime(),
    });
  }
}
