/**
 * What an address has, as it was last read: its services, among them those that windows name and that are gone, and whether its
 * calendar can be booked. When each calendar's is read next is spread by the calendar's id.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `ALTER TABLE slotkeeper.calendars
    ADD COLUMN address_read_at timestamptz,
    ADD COLUMN address_due_at timestamptz,
    ADD COLUMN marketplace_status text CHECK (marketplace_status IN ('enabled', 'disabled', 'none'))`,
  `CREATE INDEX calendars_by_address_due ON slotkeeper.calendars (address_due_at)`,

  `CREATE TABLE slotkeeper.address_services (
    calendar_id text NOT NULL REFERENCES slotkeeper.calendars (id) ON DELETE CASCADE,
    id text NOT NULL,
    name text,
    duration integer,
    gone_since timestamptz,
    dropped boolean NOT NULL DEFAULT false,
    PRIMARY KEY (calendar_id, id)
  )`,
] as const;
