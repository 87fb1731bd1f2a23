/**
 * Closes time that must not be on sale by a fallback where the regular write is refused: by slots without the busy time, by
 * a calendar break over exactly that time, or by an empty day. The next regular write replaces the fallback: an own break
 * that blocks nothing required is removed, and slots are replaced.
 */

import { CalendarChangedError } from '../context/calendar-changed-error.js';
import { isPermanentRefusal } from '../context/classify-error.js';
import type { CalendarContext } from '../context/context.js';
import type { Span } from '../core/span.js';
import type { Db } from '../db/schema.js';
import { isNotifiedOf } from '../db/tables/changes-to-notify.js';
import {
  type ClosedBy,
  clearVerified,
  type DayError,
  saveAcceptedSlots,
  saveFailedDays,
} from '../db/tables/days.js';
import { NotFoundError } from '../docplanner/index.js';
import { explainRefusal } from './address-services.js';
import { addBreak } from './blocking/break-commands.js';
import { fetchMarketplaceState } from './blocking/fetch-marketplace-state.js';
import { ObservedState } from './blocking/observed-state.js';
import { type DesiredDay, viewDays } from './desired-days.js';
import { priorityOf, subjectOf } from './next-action.js';
import { chooseEntries, sendSlots } from './put-slots.js';
import { fetchNonEmptyDates } from './verify-publication.js';
import { findWronglyOnSale, type OnSale } from './wrongly-on-sale.js';

/** The fallback that closed a day; `null` where every fallback was refused, undefined where nothing had to be closed. */
export type Closed = ClosedBy | null | undefined;

/**
 * @param fallbacks in the order in which they are tried
 * @param shown starts that patients were offered besides what was published
 * @throws errors that are no refusal
 */
export async function closeByFallback(
  context: CalendarContext,
  date: string,
  fallbacks: readonly ClosedBy[],
  shown: readonly Span[] = [],
): Promise<Closed> {
  let left = await findOnSale(context, date, shown);
  if (left === undefined) return undefined;
  for (const fallback of fallbacks) {
    try {
      await FALLBACKS[fallback](context, left, shown);
    } catch (error) {
      if (!isPermanentRefusal(error)) throw error;
      context.log.warn(
        { calendar: context.calendar.id, date, way: fallback, reason: error.message },
        'a fallback for closing occupied time was refused',
      );
    }
    left = await findOnSale(context, date, fallback === 'break' ? shown : []);
    if (left === undefined) {
      context.log.warn(
        { calendar: context.calendar.id, date, way: fallback },
        'occupied time was closed by a fallback',
      );
      return fallback;
    }
  }
  return null;
}

/**
 * Closes what must not be on sale of a failed day, then records the failure with its reason.
 * @param fallbacks without the one that was refused
 * @param shown see {@link closeByFallback}
 * @returns how the day was closed
 */
export async function failDay(
  context: CalendarContext,
  { date, generation }: Pick<DesiredDay, 'date' | 'generation'>,
  error: DayError,
  fallbacks: readonly ClosedBy[],
  shown: readonly Span[] = [],
): Promise<Closed> {
  const closedBy = await closeByFallback(context, date, fallbacks, shown);
  const reason = await explainRefusal(context, error.reason);
  const closed = closedBy === undefined ? {} : { closedBy };
  const failed = { date, generation, error: { ...error, reason, ...closed } };
  const { db, calendar, account, history, now, random, delivery, ownNotifications } = context;
  const at = new Date(now());
  history.add({
    kind: 'failed',
    at,
    account: calendar.account,
    calendar: calendar.id,
    date,
    actor: 'engine',
    detail: { what: 'day', reason, generation, ...closed },
  });
  const notified = isNotifiedOf(account, ownNotifications, 'failed') ? account.id : undefined;
  await history.commit(db, (tx) => saveFailedDays(tx, calendar.id, [failed], at, random(), notified));
  if (notified !== undefined) delivery.enqueueOwn(notified, calendar.id);
  return closedBy;
}

/**
 * Closes every pending day of the calendar by a fallback. Where one day stays on sale, the others are skipped: the refusal
 * concerns the whole calendar.
 * @returns whether any time stays on sale
 */
export async function closeAllByFallback(
  context: CalendarContext,
  from: string,
  to: string,
): Promise<boolean> {
  const fallbacks: readonly ClosedBy[] =
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
    if ((await closeByFallback(context, day.date, fallbacks)) === null) return true;
  }
  return false;
}

async function findOnSale(
  context: CalendarContext,
  date: string,
  shown: readonly Span[],
): Promise<OnSale | undefined> {
  return (
    await findWronglyOnSale(context.db, context.calendar, context.account, date, date, context.now(), shown)
  )[0];
}

const FALLBACKS: {
  readonly [Fallback in ClosedBy]: (
    context: CalendarContext,
    open: OnSale,
    shown: readonly Span[],
  ) => Promise<void>;
} = {
  slots: async (context, { day }) => {
    const { db, calendar, account } = context;
    const [view] = await viewDays(db, { ...calendar, strategy: 'slots' }, account, day.date, day.date);
    const wanted: DesiredDay = { ...day, wanted: view?.wanted ?? [] };
    await sendSlots(context, [wanted], await chooseEntries(context, [wanted]));
    await recordPublished(context, wanted);
  },
  break: async (context, { day }, shown) => {
    // A break that was requested and not answered may block the time already, and is not in the database yet.
    const wanted: DesiredDay = { ...day, wanted: [] };
    await fetchMarketplaceState(context, [wanted]).catch(ignoreRefusal);
    const left = await findOnSale(context, day.date, shown);
    if (left === undefined) return;
    const observed = new ObservedState(context);
    for (const span of left.spans) await addBreak(context, observed, span);
    // Reads the id of a break that existed already.
    if ((await findOnSale(context, day.date, shown)) !== undefined)
      await fetchMarketplaceState(context, [wanted]);
  },
  clear: async (context, { day }) => {
    const wanted: DesiredDay = { ...day, wanted: [] };
    const { calendar } = context;
    // After a lost answer the state of the day is unknown.
    const beforeWrite = (db: Db): Promise<void> => clearVerified(db, calendar.id, [day.date]);
    const client = context.client(priorityOf([wanted]), beforeWrite, subjectOf([wanted]));
    try {
      await client.deleteSlots(context.calendar, day.date);
    } catch (error) {
      // The day had no slots, or no slots may be cleared.
      if (!(error instanceof NotFoundError) || (await fetchNonEmptyDates(context, [wanted])).size > 0)
        throw error;
    }
    await recordPublished(context, wanted);
  },
};

async function recordPublished(
  context: CalendarContext,
  { date, generation, wanted }: DesiredDay,
): Promise<void> {
  const saved = await saveAcceptedSlots(
    context.db,
    context.calendar.id,
    [{ date, generation, slots: wanted }],
    new Date(context.now()),
  );
  // The day changed while it was being closed: its desired slots are computed again.
  if (saved.length === 0) throw new CalendarChangedError(context.calendar.id);
}

function ignoreRefusal(error: unknown): void {
  if (!isPermanentRefusal(error)) throw error;
}
