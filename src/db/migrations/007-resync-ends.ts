/** How a resync comes to an end whatever happens, and of which pull, and when, the lines of a source are that wait. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `ALTER TABLE slotkeeper.resyncs ADD COLUMN running_at timestamptz`,
  `ALTER TABLE slotkeeper.resync_calendars ADD COLUMN tries integer NOT NULL DEFAULT 0, ADD COLUMN retry_at timestamptz`,
  `ALTER TABLE slotkeeper.staged_snapshots ADD COLUMN staged_at timestamptz NOT NULL DEFAULT now()`,
] as const;
