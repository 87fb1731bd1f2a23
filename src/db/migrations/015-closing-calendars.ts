/**
 * A calendar that is deleted, or whose address changes, first closes what it has on sale. Until that is done the old place
 * stays a calendar: one that is being closed.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    ALTER TABLE slotkeeper.calendars
      ADD COLUMN closing_since timestamptz,
      ADD COLUMN former_of text,
      ADD CONSTRAINT calendars_former_closes CHECK (former_of IS NULL OR closing_since IS NOT NULL)`.execute(
    db,
  );
  // What the marketplace has at an address goes with the address.
  await sql`
    ALTER TABLE slotkeeper.sent_moves
      DROP CONSTRAINT sent_moves_calendar_id_booking_id_fkey,
      ADD FOREIGN KEY (calendar_id, booking_id) REFERENCES slotkeeper.bookings (calendar_id, id)
        ON DELETE CASCADE ON UPDATE CASCADE`.execute(db);
  await sql`CREATE INDEX calendars_closing ON slotkeeper.calendars (id) WHERE closing_since IS NOT NULL`.execute(
    db,
  );
  await sql`CREATE INDEX calendars_former ON slotkeeper.calendars (former_of) WHERE former_of IS NOT NULL`.execute(
    db,
  );
}
