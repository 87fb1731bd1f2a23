/** Records the outcome of a calendar's last attempt: the number of failures for the backoff, and the reason for the status. */
import { sql } from 'kysely';
import { LOWEST_PRIORITY } from '../../core/index.js';
import { nextRetryAt } from '../retry-delay.js';
import type { Db } from '../schema.js';
import { type CalendarState, isUnchangedCondition } from './calendars.js';
import { addCalendarFailed } from './changes-to-notify.js';
import { saveHistory } from './history.js';

export async function recordSuccess(db: Db, calendar: string): Promise<void> {
  await db
    .updateTable('slotkeeper.calendars')
    .set(NO_FAILURES)
    .where('id', '=', calendar)
    .where((eb) => eb.or([eb('attempts', '>', 0), eb('failed_reason', 'is not', null)]))
    .execute();
}

/** The columns of a calendar without failures. */
export const NO_FAILURES = {
  attempts: 0,
  retry_at: null,
  retry_reason: null,
  failed_reason: null,
  failed_at: null,
  failures: 0,
  closing_refused_at: null,
} as const;

/** @returns the number of consecutive failed attempts, this one included */
export async function recordFailure(db: Db, calendar: string, reason: string): Promise<number> {
  const row = await db
    .updateTable('slotkeeper.calendars')
    .set({ attempts: sql`attempts + 1`, retry_reason: reason })
    .where('id', '=', calendar)
    .returning('attempts')
    .executeTakeFirst();
  return row?.attempts ?? 1;
}

export async function scheduleRetry(db: Db, calendar: string, at: Date): Promise<void> {
  await db.updateTable('slotkeeper.calendars').set({ retry_at: at }).where('id', '=', calendar).execute();
}

export interface CalendarRefusal {
  readonly reason: string;
  /** Whether busy time stays on sale because every method of closing it was refused. */
  readonly leavesOnSale: boolean;
  /** The pending days and their generations at the attempt to close them. */
  readonly tried: readonly DayGeneration[];
}

export interface DayGeneration {
  readonly date: string;
  readonly generation: number;
}

/** @returns the pending days, failed ones included, with their generations */
export async function findPendingGenerations(db: Db, calendar: string): Promise<DayGeneration[]> {
  const { rows } = await sql<{ date: string; generation: string }>`
    SELECT date, generation FROM slotkeeper.days
    WHERE calendar_id = ${calendar} AND generation > published_generation`.execute(db);
  return rows.map(({ date, generation }) => ({ date, generation: Number(generation) }));
}

/**
 * Records that the marketplace refuses the calendar: the calendar is reported as failed and retried with exponential backoff.
 * The days that were tried get the lowest priority until they change again, so that closings of other calendars come first.
 * @param calendar its state at the attempt
 * @param random jitter from 0 to 1
 * @param isNotified whether the account is notified of the first refusal, and of whether busy time stays on sale
 * @returns the number of consecutive refusals; undefined where the calendar was changed or its failure was reset meanwhile, so
 * that the refusal does not apply to it
 */
export async function recordCalendarRefused(
  db: Db,
  calendar: CalendarState,
  { reason, leavesOnSale, tried }: CalendarRefusal,
  now: Date,
  random: number,
  isNotified = false,
): Promise<number | undefined> {
  return await db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ failures: number }>`
      UPDATE slotkeeper.calendars SET
        failed_reason = ${reason}, failed_at = coalesce(failed_at, ${now}), failures = failures + 1,
        closing_refused_at = ${leavesOnSale ? now : null}::timestamptz,
        attempts = 0, retry_reason = NULL, retry_at = ${nextRetryAt(now, sql`failures`, random)}
      WHERE id = ${calendar.id} AND failures >= ${calendar.failed?.failures ?? 0} AND ${isUnchangedCondition(calendar)}
      RETURNING failures`.execute(tx);
    const [row] = rows;
    if (row === undefined) return undefined;
    const detail = { what: 'calendar', reason, leavesOnSale };
    await saveHistory(tx, [
      { kind: 'failed', at: now, account: calendar.account, calendar: calendar.id, actor: 'engine', detail },
    ]);
    const wasOnSale = calendar.failed && calendar.failed.closingRefusedAt !== null;
    if (isNotified && wasOnSale !== leavesOnSale)
      await addCalendarFailed(tx, calendar, { reason, leavesOnSale }, now);
    await sql`
      UPDATE slotkeeper.days d SET priority = ${LOWEST_PRIORITY}::integer
      FROM jsonb_to_recordset(${JSON.stringify(tried)}::jsonb) AS k (date date, generation bigint)
      WHERE d.calendar_id = ${calendar.id} AND d.date = k.date AND d.generation = k.generation`.execute(tx);
    return row.failures;
  });
}
