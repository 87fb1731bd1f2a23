/** Days that the marketplace was told and that no reading has agreed with yet. */
import { sql } from 'kysely';
import type { Slot } from '../../core/index.js';
import type { Db } from '../schema.js';

export interface Verification {
  readonly date: string;
  readonly generation: number;
  /** When the marketplace was last written to for it. */
  readonly writtenAt: Date;
  /** When it is to be read; null where the day is to be written again first. */
  readonly dueAt: Date | null;
  /** Readings since it was written that showed something else. */
  readonly differing: number;
  /** Readings that failed, one after another. */
  readonly unread: number;
  /** Whether this generation was written twice, because of what was shown. */
  readonly repaired: boolean;
}

/** One, with its day as it is now. */
export interface OpenVerification extends Verification {
  /** Whether the day is still that generation and not published; else only its times still say something. */
  readonly isCurrent: boolean;
  /** Whether the day has failed and is not due to be tried again: a reading that agrees ends that. */
  readonly isFailed: boolean;
  readonly priority: number | null;
  /** What the marketplace was told last. */
  readonly published: readonly Slot[] | null;
}

interface Row {
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

/** Those of a calendar from a local date on. */
export async function openVerifications(
  db: Db,
  calendar: string,
  from: string,
  now: Date,
): Promise<OpenVerification[]> {
  const { rows } = await sql<Row>`
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

export async function saveVerifications(
  db: Db,
  calendar: string,
  verifications: readonly Verification[],
): Promise<void> {
  if (verifications.length === 0) return;
  await sql`
    INSERT INTO slotkeeper.verifications
      (calendar_id, date, generation, written_at, due_at, differing, unread, repaired)
    SELECT ${calendar}, k.date, k.generation, k."writtenAt", k."dueAt", k.differing, k.unread, k.repaired
    FROM jsonb_to_recordset(${JSON.stringify(verifications)}::jsonb)
      AS k (date date, generation bigint, "writtenAt" timestamptz, "dueAt" timestamptz, differing integer,
            unread integer, repaired boolean)
    ON CONFLICT (calendar_id, date) DO UPDATE SET
      generation = excluded.generation, written_at = excluded.written_at, due_at = excluded.due_at,
      differing = excluded.differing, unread = excluded.unread, repaired = excluded.repaired
    WHERE slotkeeper.verifications.generation <= excluded.generation`.execute(db);
}

/** They are over: a reading has agreed, or nothing is read for them any more. */
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
