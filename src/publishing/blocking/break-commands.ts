/** Makes, moves and removes breaks of ours, and writes down what became of them. Contract: Breaks. */

import type { CalendarContext } from '../../context/context.js';
import type { Span } from '../../core/span.js';
import { deleteInDoubtBreak, recordInDoubtBreak } from '../../db/tables/breaks.js';
import { ConflictError, NotFoundError, UnprocessableError } from '../../docplanner/index.js';
import { breakTag } from '../../marketplace-state/ownership-tags.js';
import type { OwnBreak } from './marketplace-state.js';
import type { ObservedState } from './observed-state.js';
import { toClose, toOpen, written } from './request-options.js';

export async function addBreak(
  context: CalendarContext,
  seen: ObservedState,
  { start, end }: Span,
): Promise<void> {
  const { calendar, db } = context;
  const span = { since: new Date(start), till: new Date(end) };
  const range = { since: written(context, start), till: written(context, end) };
  const client = toClose(context, { start, end }, () =>
    recordInDoubtBreak(db, calendar.id, span, new Date(context.now())),
  );
  try {
    const made = await client.addCalendarBreak(calendar, {
      ...range,
      description: breakTag(calendar.id),
      ...(calendar.applyOnCoupledAddresses ? { apply_on_coupled_addresses: true } : {}),
    });
    await seen.breakIs({ id: made.id, start, end }, false);
    await deleteInDoubtBreak(db, calendar.id, span);
  } catch (error) {
    // It is there already: its id is among what is there.
    if (!(error instanceof ConflictError)) throw error;
    seen.readAgainOnceFor(`${start} ${end}`, error);
  }
}

export async function moveBreak(context: CalendarContext, seen: ObservedState, one: OwnBreak): Promise<void> {
  const { id, start, end } = one;
  try {
    const range = { since: written(context, start), till: written(context, end) };
    const client = toClose(context, { start, end }, () => seen.checkPlan());
    await client.moveCalendarBreak(context.calendar, id, range);
    await seen.breakIs({ id, start, end }, false);
  } catch (error) {
    const isElsewhere = error instanceof NotFoundError || error instanceof UnprocessableError;
    if (!isElsewhere) throw error;
    seen.readAgainOnceFor(`${id} ${start} ${end}`, error);
  }
}

export async function deleteBreak(
  context: CalendarContext,
  seen: ObservedState,
  one: OwnBreak,
): Promise<void> {
  try {
    await toOpen(context, one, () => seen.checkPlan()).deleteCalendarBreak(context.calendar, one.id);
  } catch (error) {
    // It is gone already, or so it says: what is there will tell.
    if (!(error instanceof NotFoundError)) throw error;
    seen.readAgainOnceFor(one.id, error);
    return;
  }
  await seen.breakIs(one, true);
}
