/** Queries of `slotkeeper.verifications`: days that were sent to the marketplace and whose publication is not verified yet. */
import { sql } from 'kysely';
import type { Slot } from '../../core/index.js';
import type { Db } from '../schema.js';
import { type DayReading, setShown } from './days.js';

export interface Verification {
  readonly date: string;
  readonly generation: number;
  /** When the day was last sent. */
  readonly writtenAt: Date;
  /** When the day is read; null where it is sent again first. */
  readonly dueAt: Date | null;
  /** How many reads since then showed something else. */
  readonly differing: number;
  /** How many reads failed in a row. */
  readonly unread: number;
  /** Whether this generation was sent a second time because a read showed something else. */
  readonly repaired: boolean;
}

/** A verification with the current state of its day. */
export interface OpenVerification extends Verification {
  /** Whether the day still has this generation and is not published. Otherwise only the instants of the verification apply. */
  readonly isCurrent: boolean;
  /** Whether the day has failed and its retry is not due. A read that agrees ends the failure. */
  readonly isFailed: boolean;
  readonly priority: number | null;
  /** The slots that were sent last. */
  readonly published: readonly Slot[] | null;
}

interface VerificationRow {
  date: string;
  generation: string;
  written_at: Date;
  due_at: Date | null;
  differing: number;
  unread: number;
  repaired: boolean;
  is_current: boolean;
  is_failed: boolean;
  priority: number | null;
  published: readonly Slot[] | null;
}

/** Lists the verifications of a calendar from a local date on. */
export async function listOpenVerifications(
  db: Db,
  calendar: string,
  from: string,
  now: Date,
): Promise<OpenVerification[]> {
  const { rows } = await sql<VerificationRow>`
    SELECT v.date, v.generation, v.written_at, v.due_at, v.differing, v.unread, v.repaired,
           d.generation = v.generation AND d.generation > d.published_generation AS is_current,
           d.failed_generation IS NOT DISTINCT FROM d.generation AND coalesce(d.retry_at > ${now}, false) AS is_failed,
           d.priority, d.published
    FROM slotkeeper.verifications v
    JOIN slotkeeper.days d ON d.calendar_id = v.calendar_id AND d.date = v.date
    WHERE v.calendar_id = ${calendar} AND v.date >= ${from}
    ORDER BY v.date`.execute(db);
  return rows.map((row) => ({
    date: row.date,
    generation: Number(row.generation),
    writtenAt: row.written_at,
    dueAt: row.due_at,
    differing: row.differing,
    unread: row.unread,
    repaired: row.repaired,
    isCurrent: row.is_current,
    isFailed: row.is_failed,
    priority: row.priority,
    published: row.published,
  }));
}

/** Saves verifications, and what the reads that they continue showed of the days. */
export async function saveVerifications(
  db: Db,
  calendar: string,
  verifications: readonly (Verification & { readonly reading?: DayReading | undefined })[],
): Promise<void> {
  if (verifications.length === 0) return;
  await sql`
    WITH k AS (
      SELECT * FROM json_to_recordset(${JSON.stringify(verifications)}::json)
        AS k (date date, generation bigint, "writtenAt" timestamptz, "dueAt" timestamptz, differing integer,
              unread integer, repaired boolean, reading json)
    ), read AS (
      UPDATE slotkeeper.days d SET ${setShown(sql`d.published`)}
      FROM k WHERE d.calendar_id = ${calendar} AND d.date = k.date AND k.reading IS NOT NULL)
    INSERT INTO slotkeeper.verifications
      (calendar_id, date, generation, written_at, due_at, differing, unread, repaired)
    SELECT ${calendar}, k.date, k.generation, k."writtenAt", k."dueAt", k.differing, k.unread, k.repaired
    FROM k
    ON CONFLICT (calendar_id, date) DO UPDATE SET
      generation = excluded.generation, written_at = excluded.written_at, due_at = excluded.due_at,
      differing = excluded.differing, unread = excluded.unread, repaired = excluded.repaired
    WHERE slotkeeper.verifications.generation <= excluded.generation`.execute(db);
}

/** Deletes verifications that are over: a read has agreed, or the days are not read any more. */
export async function deleteVerifications(
  db: Db,
  calendar: string,
  days: readonly { readonly date: string; readonly generation: number }[],
): Promise<void> {
  if (days.length === 0) return;
  await sql`
    DELETE FROM slotkeeper.verifications v
    USING jsonb_to_recordset(${JSON.stringify(days)}::jsonb) AS k (date date, generation bigint)
    WHERE v.calendar_id = ${calendar} AND v.date = k.date AND v.generation <= k.generation`.execute(db);
}
