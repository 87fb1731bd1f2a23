/**
 * Why the marketplace accepts nothing of an account, and when its clinic was last heard of, so that a person sees both. With
 * an index for the notifications that wait for another attempt: one delivery that succeeds looks for them.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `ALTER TABLE slotkeeper.accounts
    ADD COLUMN refused_at timestamptz,
    ADD COLUMN last_refused_at timestamptz,
    ADD COLUMN refused_reason text`,
  `ALTER TABLE slotkeeper.calendars ADD COLUMN last_event_at timestamptz`,
  `CREATE INDEX notifications_waiting ON slotkeeper.notifications (account_id) WHERE retry_at IS NOT NULL`,
] as const;
