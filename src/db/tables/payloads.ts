/**
 * Queries of `slotkeeper.payloads`: the hashes of the bodies that were sent for a calendar recently. The marketplace ignores a
 * body that it received within the last three minutes. Contract: Duplicates.
 */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

/** Finds the hashes of the bodies that were sent for a calendar since an instant. */
export async function findRecentPayloads(db: Db, calendar: string, since: Date): Promise<Set<string>> {
  const rows = await db
    .selectFrom('slotkeeper.payloads')
    .select('hash')
    .where('calendar_id', '=', calendar)
    .where('sent_at', '>', since)
    .execute();
  return new Set(rows.map((row) => row.hash));
}

/**
 * Records a body before it is sent, so that a crash in between does not lose it.
 * @param deleteBefore hashes that were sent before this instant are deleted
 */
export async function recordPayload(
  db: Db,
  calendar: string,
  hash: string,
  sentAt: Date,
  deleteBefore: Date,
): Promise<void> {
  await sql`
    WITH old AS (
      DELETE FROM slotkeeper.payloads
      WHERE calendar_id = ${calendar} AND sent_at < ${deleteBefore} AND hash <> ${hash})
    INSERT INTO slotkeeper.payloads (calendar_id, hash, sent_at) VALUES (${calendar}, ${hash}, ${sentAt})
    ON CONFLICT (calendar_id, hash) DO UPDATE SET sent_at = excluded.sent_at`.execute(db);
}
