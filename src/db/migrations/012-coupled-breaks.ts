/**
 * A break that we made for one calendar may be on the addresses that are coupled with it, too. There it is taken time that has
 * its buffers in it. Which of those that are known are such ones nobody knows before their descriptions are read.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE slotkeeper.breaks ADD COLUMN coupled boolean`.execute(db);
}
