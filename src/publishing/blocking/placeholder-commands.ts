/**
 * Books, moves and cancels placeholders, and records the results. Where the marketplace refuses to book or to move one, its
 * appointment is blocked by other means. Contract: bookSlot, moveBooking, cancelBooking.
 */

import { isPermanentRefusal } from '../../context/classify-error.js';
import type { CalendarContext } from '../../context/context.js';
import { MINUTE } from '../../core/duration.js';
import type { Span } from '../../core/span.js';
import type { Db } from '../../db/schema.js';
import { deleteInDoubt, recordInDoubt, toInDoubtBlock } from '../../db/tables/in-doubt.js';
import { mayHaveEnded } from '../../linked-bookings/cancel-booking.js';
import { toBookingUpdate } from '../../marketplace-state/booking-update.js';
import { placeholderTag } from '../../marketplace-state/ownership-tags.js';
import type { Placeholder } from './marketplace-state.js';
import type { ObservedState } from './observed-state.js';
import { PLACEHOLDER_PATIENT } from './placeholder-patient.js';
import { type BlockingStep, bookingKey } from './plan-blocking.js';
import { closingClient, formatInstant, openingClient } from './request-options.js';
import type { RequiredBlock } from './required-blocks.js';

type Step<K extends BlockingStep['kind']> = Extract<BlockingStep, { kind: K }>;

export async function bookPlaceholder(
  context: CalendarContext,
  observed: ObservedState,
  { need, ref, service }: Step<'book'>,
): Promise<void> {
  const { calendar, account, db } = context;
  const request = toInDoubtBlock(need, ref);
  const client = closingClient(
    context,
    need,
    () => recordInDoubt(db, calendar.id, request, new Date(context.now())),
    { ref },
  );
  try {
    const booking = await client.bookSlot(calendar, formatInstant(context, need.start), {
      address_service_id: service,
      duration: (need.end - need.start) / MINUTE,
      patient: account.placeholder ?? PLACEHOLDER_PATIENT,
      comment: placeholderTag(calendar.id, ref),
      is_recurring: true,
    });
    await observed.applyPlaceholders({ ...toBookingUpdate(booking), placeholder: { ref } });
    recordDeviation(context, observed, need, toBookingUpdate(booking));
  } catch (error) {
    if (!isPermanentRefusal(error)) throw error;
    recordRefusal(context, observed, need, error.message);
    observed.invalidate();
  }
  await deleteInDoubt(db, calendar.id, request);
}

export async function movePlaceholder(
  context: CalendarContext,
  observed: ObservedState,
  { one, need, ref, service }: Step<'move-placeholder'>,
): Promise<void> {
  const { calendar, log, db } = context;
  // After a lost answer, the next reconcile first resolves the move.
  const move = {
    kind: 'move',
    subject: one.id,
    start: new Date(need.start),
    end: null,
    addressId: calendar.addressId,
  } as const;
  const beforeWrite = async (session: Db): Promise<void> => {
    await observed.checkPlan(session);
    await recordInDoubt(session, calendar.id, move, new Date(context.now()));
  };
  const client = closingClient(context, need, beforeWrite, { booking: one.id, ref });
  try {
    const moved = await client.moveBooking(calendar, one.id, {
      address_service_id: service,
      start: formatInstant(context, need.start),
      duration: (need.end - need.start) / MINUTE,
    });
    await observed.applyPlaceholders(
      { id: one.id, status: 'moved', start: one.start, end: one.end, placeholder: { ref } },
      { ...toBookingUpdate(moved), placeholder: { ref }, movedFrom: one.id },
    );
    await deleteInDoubt(db, calendar.id, move);
    recordDeviation(context, observed, need, toBookingUpdate(moved));
  } catch (error) {
    if (!isPermanentRefusal(error)) throw error;
    await deleteInDoubt(db, calendar.id, move);
    log.info(
      { calendar: calendar.id, booking: one.id, reason: error.message },
      'a placeholder cannot be moved; another takes its place',
    );
    observed.refused.add(one.id);
    observed.invalidate();
  }
}

/** A booking whose time differs from the appointment's is not requested again: the result would be the same. */
function recordDeviation(
  context: CalendarContext,
  observed: ObservedState,
  need: RequiredBlock,
  got: Span,
): void {
  if (got.start === need.start && got.end === need.end) return;
  recordRefusal(context, observed, need, 'it was booked from another time or for another duration');
}

function recordRefusal(
  context: CalendarContext,
  observed: ObservedState,
  need: RequiredBlock,
  reason: string,
): void {
  context.log.info(
    { calendar: context.calendar.id, start: formatInstant(context, need.start), reason },
    'an appointment was not booked as a slot; it is blocked by other means',
  );
  observed.refused.add(bookingKey(need));
}

export async function cancelPlaceholder(
  context: CalendarContext,
  observed: ObservedState,
  one: Placeholder,
): Promise<void> {
  try {
    const subject = { booking: one.id, ref: one.ref ?? undefined };
    const client = openingClient(context, one, (db) => observed.checkPlan(db), subject);
    await client.cancelBooking(context.calendar, one.id);
  } catch (error) {
    // The placeholder has ended already, or was moved by a request whose answer was lost: the next read tells.
    if (!mayHaveEnded(error)) throw error;
    observed.invalidateOnce(one.id, error);
    return;
  }
  const { id, start, end, ref } = one;
  await observed.applyPlaceholders({ id, status: 'canceled', start, end, placeholder: { ref } });
}
