/** What taking notifications in has to remember: reservations, and who is asking the marketplace for what, and when next. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `CREATE TABLE slotkeeper.reservations (
    id text PRIMARY KEY,
    calendar_id text NOT NULL REFERENCES slotkeeper.calendars (id) ON DELETE CASCADE,
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CHECK (start_at < end_at)
  )`,
  `CREATE INDEX reservations_of_calendar ON slotkeeper.reservations (calendar_id, end_at)`,

  `CREATE TABLE slotkeeper.errands (
    account_id text NOT NULL REFERENCES slotkeeper.accounts (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('pull', 'release')),
    token text,
    until timestamptz,
    next_at timestamptz NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, kind)
  )`,

  `ALTER TABLE slotkeeper.calendars ADD COLUMN bookings_read_at timestamptz`,
  // A booking that moves to another address of its doctor is looked for in all calendars.
  `CREATE INDEX bookings_by_id ON slotkeeper.bookings (id)`,
] as const;
