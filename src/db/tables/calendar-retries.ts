/** What became of a calendar's last attempt: it counts failures for the backoff and keeps the reason in sight. */
import { sql } from 'kysely';
import { LOWEST_PRIORITY } from '../../core/index.js';
import { nextRetryAt } from '../retry-delay.js';
import type { Db } from '../schema.js';
import { type CalendarState, isUnchangedCondition } from './calendars.js';

export async function recordSuccess(db: Db, calendar: string): Promise<void> {
  await db
    .updateTable('slotkeeper.calendars')
    .set(NO_FAILURES)
    .where('id', '=', calendar)
    .where((eb) => eb.or([eb('attempts', '>', 0), eb('failed_reason', 'is not', null)]))
    .execute();
}

/** A calendar of which nothing has failed. */
export const NO_FAILURES = {
  attempts: 0,
  retry_at: null,
  retry_reason: null,
  failed_reason: null,
  failed_at: null,
  failures: 0,
  closing_refused_at: null,
} as const;

/** @returns how many attempts have failed one after another, this one included */
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
  /** Whether taken time stays on sale because every way of closing it was refused. */
  readonly leavesOnSale: boolean;
  /** The days that wait, as they were when it was tried to close what they sell. */
  readonly tried: readonly DayGeneration[];
}

export interface DayGeneration {
  readonly date: string;
  readonly generation: number;
}

/** The days that wait, whether they failed or not. */
export async function findPendingGenerations(db: Db, calendar: string): Promise<DayGeneration[]> {
  const { rows } = await sql<{ date: string; generation: string }>`
    SELECT date, generation FROM slotkeeper.days
    WHERE calendar_id = ${calendar} AND generation > published_generation`.execute(db);
  return rows.map(({ date, generation }) => ({ date, generation: Number(generation) }));
}

/**
 * The marketplace refuses the calendar: it is shown as failed, and tried again after a pause that grows. The days that were
 * tried wait behind everything that closes elsewhere from then on, until they change again.
 * @param calendar as it was tried
 * @param random from 0 to 1
 * @returns how often it has been refused one after another; undefined where it was changed or its failure was taken back
 * meanwhile, so that the refusal says nothing of it
 */
export async function recordCalendarRefused(
  db: Db,
  calendar: CalendarState,
  { reason, leavesOnSale, tried }: CalendarRefusal,
  now: Date,
  random: number,
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
    await sql`
      UPDATE slotkeeper.days d SET priority = ${LOWEST_PRIORITY}::integer
      FROM jsonb_to_recordset(${JSON.stringify(tried)}::jsonb) AS k (date date, generation bigint)
      WHERE d.calendar_id = ${calendar.id} AND d.date = k.date AND d.generation = k.generation`.execute(tx);
    return row.failures;
  });
}
