/**
 * Closes time that should not be on sale by the next best way, where the proper one is refused: by slots without the taken time,
 * by a calendar break over exactly that time, or by a day that shows nothing. What was put in place of the proper thing goes
 * when that is published: a break of ours that hides nothing wanted is removed, and slots are replaced.
 */
import { CalendarChangedError } from '../context/calendar-changed-error.js';
import { isPermanentRefusal } from '../context/classify-error.js';
import type { CalendarContext } from '../context/context.js';
import type { Span } from '../core/span.js';
import { type ClosedBy, clearVerified, type DayError, saveFailed, saveTold } from '../db/tables/days.js';
import { NotFoundError } from '../docplanner/index.js';
import { explainRefusal } from './address-services.js';
import { addBreak } from './blocking/break-commands.js';
import { fetchMarketplaceState } from './blocking/fetch-marketplace-state.js';
import { ObservedState } from './blocking/observed-state.js';
import { viewDays, type WantedDay } from './desired-days.js';
import { priorityOf } from './next-action.js';
import { freshEntries, sendSlots } from './put-slots.js';
import { fetchShownDays } from './verify-publication.js';
import { findWronglyOnSale, type OnSale } from './wrongly-on-sale.js';

/** How a day was closed; `null` where every way was refused, undefined where nothing had to be closed. */
export type Closed = ClosedBy | null | undefined;

/**
 * @param ways in the order in which they are tried
 * @param shown what patients were seen to be offered besides what was published
 * @throws what is no refusal
 */
export async function closeOtherwise(
  context: CalendarContext,
  date: string,
  ways: readonly ClosedBy[],
  shown: readonly Span[] = [],
): Promise<Closed> {
  let left = await onSale(context, date, shown);
  if (left === undefined) return undefined;
  for (const way of ways) {
    try {
      await BY[way](context, left, shown);
    } catch (error) {
      if (!isPermanentRefusal(error)) throw error;
      context.log.warn(
        { calendar: context.calendar.id, date, way, reason: error.message },
        'a way of closing taken time was refused',
      );
    }
    left = await onSale(context, date, way === 'break' ? shown : []);
    if (left === undefined) {
      context.log.warn(
        { calendar: context.calendar.id, date, way },
        'taken time was closed by another way than its own',
      );
      return way;
    }
  }
  return null;
}

/**
 * The day has failed: what must not be on sale of it is closed, then it is set apart with the reason.
 * @param ways other than the one that was refused
 * @param shown see {@link closeOtherwise}
 * @returns how it was closed
 */
export async function dayFailed(
  context: CalendarContext,
  { date, generation }: Pick<WantedDay, 'date' | 'generation'>,
  error: DayError,
  ways: readonly ClosedBy[],
  shown: readonly Span[] = [],
): Promise<Closed> {
  const closedBy = await closeOtherwise(context, date, ways, shown);
  const reason = await explainRefusal(context, error.reason);
  const closed = closedBy === undefined ? {} : { closedBy };
  const failed = { date, generation, error: { ...error, reason, ...closed } };
  await saveFailed(context.db, context.calendar.id, [failed], new Date(context.now()), context.random());
  return closedBy;
}

/**
 * Does so for every day of the calendar that waits. Where a day stays on sale, the others are left alone: what refuses it is the
 * calendar's.
 * @returns whether any time stays on sale
 */
export async function closeAllOtherwise(
  context: CalendarContext,
  from: string,
  to: string,
): Promise<boolean> {
  const ways: readonly ClosedBy[] =
    context.calendar.strategy === 'slots' ? ['break', 'clear'] : ['break', 'slots', 'clear'];
  const open = await findWronglyOnSale(
    context.db,
    context.calendar,
    context.account,
    from,
    to,
    context.now(),
  );
  const byPriority = open.toSorted((a, b) => (a.spans[0]?.start ?? 0) - (b.spans[0]?.start ?? 0));
  for (const { day } of byPriority) {
    if ((await closeOtherwise(context, day.date, ways)) === null) return true;
  }
  return false;
}

async function onSale(
  context: CalendarContext,
  date: string,
  shown: readonly Span[],
): Promise<OnSale | undefined> {
  return (
    await findWronglyOnSale(context.db, context.calendar, context.account, date, date, context.now(), shown)
  )[0];
}

const BY: {
  readonly [Way in ClosedBy]: (
    context: CalendarContext,
    open: OnSale,
    shown: readonly Span[],
  ) => Promise<void>;
} = {
  slots: async (context, { day }) => {
    const { db, calendar, account } = context;
    const [view] = await viewDays(db, { ...calendar, strategy: 'slots' }, account, day.date, day.date);
    const wanted: WantedDay = { ...day, wanted: view?.wanted ?? [] };
    await sendSlots(context, [wanted], await freshEntries(context, [wanted]));
    await publishedAs(context, wanted);
  },
  break: async (context, { day }, shown) => {
    // What the database does not know of yet hides it perhaps: a break that was asked for and not answered.
    const wanted: WantedDay = { ...day, wanted: [] };
    await fetchMarketplaceState(context, [wanted]).catch(unlessRefused);
    const left = await onSale(context, day.date, shown);
    if (left === undefined) return;
    const seen = new ObservedState(context);
    for (const span of left.spans) await addBreak(context, seen, span);
    // One that was there already is known by its id from now on.
    if ((await onSale(context, day.date, shown)) !== undefined)
      await fetchMarketplaceState(context, [wanted]);
  },
  clear: async (context, { day }) => {
    const wanted: WantedDay = { ...day, wanted: [] };
    const { db, calendar } = context;
    // After a lost answer it is not known what the day shows.
    const client = context.client(priorityOf([wanted]), () => clearVerified(db, calendar.id, [day.date]));
    try {
      await client.deleteSlots(context.calendar, day.date);
    } catch (error) {
      // There was nothing to clear, or nothing may be cleared.
      if (
        !(error instanceof NotFoundError) ||
        (await fetchShownDays(context, [wanted], priorityOf([wanted]))).size > 0
      )
        throw error;
    }
    await publishedAs(context, wanted);
  },
};

async function publishedAs(context: CalendarContext, { date, generation, wanted }: WantedDay): Promise<void> {
  const saved = await saveTold(
    context.db,
    context.calendar.id,
    [{ date, generation, slots: wanted }],
    new Date(context.now()),
  );
  // It changed while it was being closed: it is looked at anew.
  if (saved.length === 0) throw new CalendarChangedError(context.calendar.id);
}

function unlessRefused(error: unknown): void {
  if (!isPermanentRefusal(error)) throw error;
}
