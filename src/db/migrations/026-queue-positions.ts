/**
 * Where in its queue the event stood that an occupancy, or the windows of a date, are known from: events without a version
 * are ordered by that, and not by when they are applied.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  'ALTER TABLE slotkeeper.occupancy ADD COLUMN queue_counter text, ADD COLUMN queue_number bigint',
  'ALTER TABLE slotkeeper.days ADD COLUMN windows_counter text, ADD COLUMN windows_number bigint',
] as const;
