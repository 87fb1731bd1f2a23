/** Creates, moves and deletes own breaks, and records the results. Contract: Breaks. */

import type { CalendarContext } from '../../context/context.js';
import type { Span } from '../../core/span.js';
import { deleteInDoubt, recordInDoubt, toInDoubtBlock } from '../../db/tables/in-doubt.js';
import { ConflictError, NotFoundError, UnprocessableError } from '../../docplanner/index.js';
import { breakTag } from '../../marketplace-state/ownership-tags.js';
import type { OwnBreak } from './marketplace-state.js';
import type { ObservedState } from './observed-state.js';
import { closingClient, formatInstant, openingClient } from './request-options.js';

export async function addBreak(
  context: CalendarContext,
  observed: ObservedState,
  { start, end }: Span,
): Promise<void> {
  const { calendar, db } = context;
  const request = toInDoubtBlock({ start, end });
  const range = { since: formatInstant(context, start), till: formatInstant(context, end) };
  const client = closingClient(context, { start, end }, () =>
    recordInDoubt(db, calendar.id, request, new Date(context.now())),
  );
  try {
    const made = await client.addCalendarBreak(calendar, {
      ...range,
      description: breakTag(calendar.id),
      ...(calendar.applyOnCoupledAddresses ? { apply_on_coupled_addresses: true } : {}),
    });
    await observed.applyBreak({ id: made.id, start, end }, false);
    await deleteInDoubt(db, calendar.id, request);
  } catch (error) {
    // The break exists already: the next read finds its id.
    if (!(error instanceof ConflictError)) throw error;
    observed.invalidateOnce(`${start} ${end}`, error);
  }
}

export async function moveBreak(
  context: CalendarContext,
  observed: ObservedState,
  one: OwnBreak,
): Promise<void> {
  const { id, start, end } = one;
  try {
    const range = { since: formatInstant(context, start), till: formatInstant(context, end) };
    const client = closingClient(context, { start, end }, (db) => observed.checkPlan(db));
    await client.moveCalendarBreak(context.calendar, id, range);
    await observed.applyBreak({ id, start, end }, false);
  } catch (error) {
    const isElsewhere = error instanceof NotFoundError || error instanceof UnprocessableError;
    if (!isElsewhere) throw error;
    observed.invalidateOnce(`${id} ${start} ${end}`, error);
  }
}

export async function deleteBreak(
  context: CalendarContext,
  observed: ObservedState,
  one: OwnBreak,
): Promise<void> {
  try {
    await openingClient(context, one, (db) => observed.checkPlan(db)).deleteCalendarBreak(
      context.calendar,
      one.id,
    );
  } catch (error) {
    // The marketplace reports the break as deleted: the next read verifies that.
    if (!(error instanceof NotFoundError)) throw error;
    observed.invalidateOnce(one.id, error);
    return;
  }
  await observed.applyBreak(one, true);
}
