/** Brings the record's tables up to date. */
import { type Migration, Migrator } from 'kysely';
import * as theRecord from './migrations/001-the-record.js';
import type { Db } from './schema.js';

/** In order; a migration that has been released is never changed. */
const migrations: { readonly [name: string]: Migration } = {
  '001-the-record': theRecord,
};

export async function migrate(db: Db): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
    migrationTableSchema: 'slotkeeper',
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}
