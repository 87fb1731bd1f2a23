/** One row that is written to find out whether anything can be committed. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE slotkeeper.probes (
      id smallint PRIMARY KEY CHECK (id = 1),
      at timestamptz NOT NULL
    )`.execute(db);
}
