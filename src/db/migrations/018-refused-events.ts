/**
 * Events of the queue that were refused. As failed jobs they would stay in the queue under their own ids, and every later job
 * of such an id would be dropped there in silence.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE slotkeeper.refused_events (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      data text,
      reason text NOT NULL,
      at timestamptz NOT NULL
    )`.execute(db);
}
