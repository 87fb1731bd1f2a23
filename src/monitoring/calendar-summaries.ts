/** The calendars with their state in numbers: pending, failed and held days, and when a day was last published. */
import type { Db, Strategy } from '../db/schema.js';
import { listAccounts } from '../db/tables/accounts.js';
import { listCalendars } from '../db/tables/calendars.js';
import { countHeldDays } from '../db/tables/held-changes.js';
import { countPendingDaysByCalendar } from '../db/tables/pending-calendars.js';
import { horizonOf } from '../publishing/horizon.js';

export interface CalendarProgress {
  /** Days of the horizon. */
  readonly days: { readonly pending: number; readonly failed: number; readonly held: number };
  /** When a day was last published, ISO 8601; null where none was. */
  readonly publishedAt: string | null;
}

export interface CalendarSummary extends CalendarProgress {
  readonly id: string;
  readonly account: string;
  readonly strategy: Strategy;
  /** `closing`: it is deleted when nothing of it is on sale any more. */
  readonly state: 'active' | 'closing';
  /** Why the marketplace refuses the calendar, and since when; null where it does not. */
  readonly failed: { readonly reason: string; readonly at: string } | null;
}

/** Lists all calendars without former addresses. */
export async function listCalendarSummaries(db: Db, now: number): Promise<CalendarSummary[]> {
  const progress = await findCalendarProgress(db, now);
  return (await listCalendars(db)).map(({ id, account, strategy, closing, failed }) => ({
    id,
    account,
    strategy,
    state: closing === undefined ? 'active' : 'closing',
    failed: failed === undefined ? null : { reason: failed.reason, at: failed.at.toISOString() },
    ...(progress.get(id) ?? NO_PROGRESS),
  }));
}

export const NO_PROGRESS: CalendarProgress = {
  days: { pending: 0, failed: 0, held: 0 },
  publishedAt: null,
};

/** @returns the progress by calendar */
export async function findCalendarProgress(db: Db, now: number): Promise<Map<string, CalendarProgress>> {
  const horizons = (await listAccounts(db)).map(({ id, timeZone }) => ({
    account: id,
    ...horizonOf(timeZone, now),
  }));
  const held = await countHeldDays(db, horizons);
  const totals = await countPendingDaysByCalendar(db, horizons);
  return new Map(
    totals.map(({ calendar, pending, failed, publishedAt }) => [
      calendar,
      {
        days: { pending, failed, held: held.get(calendar) ?? 0 },
        publishedAt: publishedAt?.toISOString() ?? null,
      },
    ]),
  );
}
