/**
 * Why the marketplace accepts nothing of an account, and when its clinic was last heard of, so that a person sees both. With
 * an index for the notifications that wait for another attempt, since each delivery that succeeds looks for them; a wait that
 * the clinic asked for is its own to end.
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
  `ALTER TABLE slotkeeper.notifications ADD COLUMN pause_asked boolean NOT NULL DEFAULT false`,
  `CREATE INDEX notifications_waiting ON slotkeeper.notifications (account_id) WHERE retry_at IS NOT NULL`,
] as const;
