/**
 * Books, moves and cancels placeholders, and writes down what became of them. What the marketplace refuses to book or to
 * move is hidden otherwise. Contract: bookSlot, moveBooking, cancelBooking.
 */
import { isPermanentRefusal } from '../../context/classify-error.js';
import type { CalendarContext } from '../../context/context.js';
import { MINUTE } from '../../core/duration.js';
import type { Span } from '../../core/span.js';
import { deleteInDoubtPlaceholder, recordInDoubtPlaceholder } from '../../db/tables/bookings.js';
import { deleteInDoubtMove, recordInDoubtMove } from '../../db/tables/in-doubt-moves.js';
import { mayHaveEnded } from '../../linked-bookings/cancel-booking.js';
import { toBookingUpdate } from '../../marketplace-state/booking-update.js';
import { placeholderTag } from '../../marketplace-state/ownership-tags.js';
import type { Placeholder } from './marketplace-state.js';
import type { ObservedState } from './observed-state.js';
import { PLACEHOLDER_PATIENT } from './placeholder-patient.js';
import { type BlockingStep, bookingKey } from './plan-blocking.js';
import { toClose, toOpen, written } from './request-options.js';
import type { RequiredBlock } from './required-blocks.js';

type Step<K extends BlockingStep['kind']> = Extract<BlockingStep, { kind: K }>;

export async function book(
  context: CalendarContext,
  seen: ObservedState,
  { need, ref, service }: Step<'book'>,
): Promise<void> {
  const { calendar, account, db } = context;
  const announced = { start: new Date(need.start), end: new Date(need.end), ref };
  const client = toClose(context, need, () =>
    recordInDoubtPlaceholder(db, calendar.id, announced, new Date(context.now())),
  );
  try {
    const booking = await client.bookSlot(calendar, written(context, need.start), {
      address_service_id: service,
      duration: (need.end - need.start) / MINUTE,
      patient: account.placeholder ?? PLACEHOLDER_PATIENT,
      comment: placeholderTag(calendar.id, ref),
      is_recurring: true,
    });
    await seen.placeholdersAre({ ...toBookingUpdate(booking), placeholder: { ref } });
    refuseOther(context, seen, need, toBookingUpdate(booking));
  } catch (error) {
    if (!isPermanentRefusal(error)) throw error;
    refuse(context, seen, need, error.message);
    seen.readAgain();
  }
  await deleteInDoubtPlaceholder(db, calendar.id, announced);
}

export async function movePlaceholder(
  context: CalendarContext,
  seen: ObservedState,
  { one, need, ref, service }: Step<'move-placeholder'>,
): Promise<void> {
  const { calendar, log, db } = context;
  // Where the answer is lost, what became of it is found out first thing in the next run.
  const move = { booking: one.id, start: new Date(need.start), minutes: null, addressId: calendar.addressId };
  const client = toClose(context, need, async () => {
    await seen.checkPlan();
    await recordInDoubtMove(db, calendar.id, move);
  });
  try {
    const moved = await client.moveBooking(calendar, one.id, {
      address_service_id: service,
      start: written(context, need.start),
      duration: (need.end - need.start) / MINUTE,
    });
    await seen.placeholdersAre(
      { id: one.id, status: 'moved', start: one.start, end: one.end, placeholder: { ref } },
      { ...toBookingUpdate(moved), placeholder: { ref }, movedFrom: one.id },
    );
    await deleteInDoubtMove(db, calendar.id, one.id);
    refuseOther(context, seen, need, toBookingUpdate(moved));
  } catch (error) {
    if (!isPermanentRefusal(error)) throw error;
    await deleteInDoubtMove(db, calendar.id, one.id);
    log.info(
      { calendar: calendar.id, booking: one.id, reason: error.message },
      'a placeholder cannot be moved; another takes its place',
    );
    seen.refused.add(one.id);
    seen.readAgain();
  }
}

/** One at another time than the appointment's is not asked for again: that would come to the same each time. */
function refuseOther(context: CalendarContext, seen: ObservedState, need: RequiredBlock, got: Span): void {
  if (got.start === need.start && got.end === need.end) return;
  refuse(context, seen, need, 'it was booked from another time or for another duration');
}

function refuse(context: CalendarContext, seen: ObservedState, need: RequiredBlock, reason: string): void {
  context.log.info(
    { calendar: context.calendar.id, start: written(context, need.start), reason },
    'an appointment was not booked as a slot; it is hidden otherwise',
  );
  seen.refused.add(bookingKey(need));
}

export async function cancel(context: CalendarContext, seen: ObservedState, one: Placeholder): Promise<void> {
  try {
    await toOpen(context, one, () => seen.checkPlan()).cancelBooking(context.calendar, one.id);
  } catch (error) {
    // It is over already, or was moved by an answer that got lost: what is there will tell.
    if (!mayHaveEnded(error)) throw error;
    seen.readAgainOnceFor(one.id, error);
    return;
  }
  const { id, start, end, ref } = one;
  await seen.placeholdersAre({ id, status: 'canceled', start, end, placeholder: { ref } });
}
