/** What the marketplace holds of a calendar: its visit bookings and calendar breaks, ours among them. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `CREATE TABLE slotkeeper.bookings (
    calendar_id text NOT NULL REFERENCES slotkeeper.calendars (id) ON DELETE CASCADE,
    id text NOT NULL,
    status text NOT NULL CHECK (status IN ('booked', 'canceled', 'moved')),
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL,
    service text,
    booked_by text,
    placeholder boolean NOT NULL DEFAULT false,
    ref text,
    ref_start timestamptz,
    moved_to text,
    failed_for text,
    failed_reason text,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (calendar_id, id),
    CHECK (start_at < end_at)
  )`,
  `CREATE INDEX bookings_by_end ON slotkeeper.bookings (calendar_id, end_at) WHERE status = 'booked'`,
  `CREATE INDEX bookings_by_ref ON slotkeeper.bookings (calendar_id, ref)
    WHERE status = 'booked' AND ref IS NOT NULL AND NOT placeholder`,

  `CREATE TABLE slotkeeper.breaks (
    calendar_id text NOT NULL REFERENCES slotkeeper.calendars (id) ON DELETE CASCADE,
    id text NOT NULL,
    since_at timestamptz NOT NULL,
    till_at timestamptz NOT NULL,
    own boolean NOT NULL,
    removed boolean NOT NULL DEFAULT false,
    said_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (calendar_id, id),
    CHECK (since_at < till_at)
  )`,
  `CREATE INDEX breaks_by_till ON slotkeeper.breaks (calendar_id, till_at) WHERE NOT removed`,
] as const;
