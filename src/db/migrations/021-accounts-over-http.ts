/** Whether an account was put over HTTP. Of those that there are it is not known: the configuration says its own at the start. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE slotkeeper.accounts ADD COLUMN over_http boolean NOT NULL DEFAULT true`.execute(db);
}
