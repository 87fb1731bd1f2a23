/**
 * What failed is tried again by itself, after a pause that grows: how often it has failed, and when it is due. Of a calendar also
 * when nothing was left that would have closed taken time: what closes is tried sooner.
 */
import { type Kysely, sql } from 'kysely';

const statements = [
  `ALTER TABLE slotkeeper.calendars
    ADD COLUMN failures integer NOT NULL DEFAULT 0,
    ADD COLUMN closing_refused_at timestamptz`,
  `ALTER TABLE slotkeeper.days
    ADD COLUMN failures integer NOT NULL DEFAULT 0,
    ADD COLUMN retry_at timestamptz`,
  `ALTER TABLE slotkeeper.bookings
    ADD COLUMN failures integer NOT NULL DEFAULT 0,
    ADD COLUMN retry_at timestamptz`,
] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
