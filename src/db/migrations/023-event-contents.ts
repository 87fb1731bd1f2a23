/** What an event said, as a hash: an event that comes again under the same id with something else is told apart. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE slotkeeper.events ADD COLUMN content text`.execute(db);
}
