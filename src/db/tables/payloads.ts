/**
 * What was sent to an address lately, by the hash of its body. The marketplace ignores a body that it saw
 * within three minutes, so the sender has to know. Contract: Duplicates.
 */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

/** The hashes that were sent for this calendar since then. */
export async function payloadsSince(db: Db, calendar: string, since: Date): Promise<Set<string>> {
  const rows = await db
    .selectFrom('slotkeeper.payloads')
    .select('hash')
    .where('calendar_id', '=', calendar)
    .where('sent_at', '>', since)
    .execute();
  return new Set(rows.map((row) => row.hash));
}

/** Written down before the body is sent: a crash in between must not make it forgotten. Older ones go. */
export async function recordPayload(
  db: Db,
  calendar: string,
  hash: string,
  sentAt: Date,
  forgetBefore: Date,
): Promise<void> {
  await sql`
    WITH old AS (
      DELETE FROM slotkeeper.payloads
      WHERE calendar_id = ${calendar} AND sent_at < ${forgetBefore} AND hash <> ${hash})
    INSERT INTO slotkeeper.payloads (calendar_id, hash, sent_at) VALUES (${calendar}, ${hash}, ${sentAt})
    ON CONFLICT (calendar_id, hash) DO UPDATE SET sent_at = excluded.sent_at`.execute(db);
}
