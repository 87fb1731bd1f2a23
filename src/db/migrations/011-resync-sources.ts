/** What a clinic's source said of calendars that are not here, and did not say of those that are. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE slotkeeper.resyncs ADD COLUMN sources jsonb NOT NULL DEFAULT '[]'`.execute(db);
}
