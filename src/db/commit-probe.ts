/** Checks that the database can commit. */
import { sql } from 'kysely';
import type { Db } from './schema.js';

/** Writes one row and commits it. */
export async function tryCommit(db: Db, now: Date): Promise<void> {
  await sql`
    INSERT INTO slotkeeper.probes (id, at) VALUES (1, ${now})
    ON CONFLICT (id) DO UPDATE SET at = excluded.at`.execute(db);
}
