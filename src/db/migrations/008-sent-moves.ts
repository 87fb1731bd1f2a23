/** Moves of bookings that were sent and not answered, so that what came of one is known for its own afterwards. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `CREATE TABLE slotkeeper.sent_moves (
    calendar_id text NOT NULL,
    booking_id text NOT NULL,
    start_at timestamptz NOT NULL,
    minutes integer,
    address_id text NOT NULL,
    PRIMARY KEY (calendar_id, booking_id),
    FOREIGN KEY (calendar_id, booking_id) REFERENCES slotkeeper.bookings (calendar_id, id) ON DELETE CASCADE
  )`,
] as const;
