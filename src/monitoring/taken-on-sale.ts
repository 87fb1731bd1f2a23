/** The alarm of busy time that patients can book, in calendars whose updates the marketplace refuses. */
import { toIso } from '../core/index.js';
import type { Db } from '../db/schema.js';
import { getAccount } from '../db/tables/accounts.js';
import { type CalendarState, getCalendar } from '../db/tables/calendars.js';
import { listFailingCalendars } from '../db/tables/failures.js';
import { horizonOf } from '../publishing/horizon.js';
import { findWronglyOnSale } from '../publishing/wrongly-on-sale.js';

export interface TakenOnSale {
  /** The total number. */
  readonly count: number;
  /** The first {@link MAX_ITEMS}, by calendar and time. */
  readonly items: readonly {
    readonly calendar: string;
    /** Local date. */
    readonly date: string;
    /** ISO 8601 in the account's zone, half-open. */
    readonly start: string;
    readonly end: string;
    /** When the oldest unpublished change of that day was recorded; ISO 8601. */
    readonly since: string | null;
    readonly reason: string;
  }[];
}

const MAX_ITEMS = 1_000;

/** @param now epoch milliseconds */
export async function takenOnSale(db: Db, now: number): Promise<TakenOnSale> {
  const items: TakenOnSale['items'][number][] = [];
  let count = 0;
  for (const id of await listFailingCalendars(db)) {
    const calendar = await getCalendar(db, id);
    const account = calendar && (await getAccount(db, calendar.account));
    if (calendar === undefined || account === undefined) continue;
    const { from, to } = horizonOf(account.timeZone, now);
    for (const { day, spans } of await findWronglyOnSale(db, calendar, account, from, to, now)) {
      const reason = reasonOf(
        calendar,
        day.failedGeneration === day.generation ? day.error?.reason : undefined,
      );
      // A day that was never published may have no availability at all, and a day that has not failed is being published.
      if (day.published === null || reason === undefined) continue;
      count += spans.length;
      for (const { start, end } of spans) {
        if (items.length === MAX_ITEMS) break;
        items.push({
          calendar: id,
          date: day.date,
          start: toIso(start, account.timeZone),
          end: toIso(end, account.timeZone),
          since: day.pendingSince?.toISOString() ?? null,
          reason,
        });
      }
    }
  }
  return { count, items };
}

/** Undefined for a calendar that is only retried, because the marketplace has not refused it. */
const reasonOf = ({ failed }: CalendarState, day: string | undefined): string | undefined =>
  day ?? failed?.reason;
