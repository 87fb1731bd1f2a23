/** Migrates the database's tables. */
import { isDeepStrictEqual } from 'node:util';
import { type Migration, Migrator, sql } from 'kysely';
import * as tables from './migrations/001-tables.js';
import type { Db } from './schema.js';

/** Migrations in order. A released migration is never changed. */
const migrations: { readonly [name: string]: Migration } = { '001-tables': tables };

/** @throws {Error} where a newer version has migrated the tables */
export async function migrate(db: Db): Promise<void> {
  // This check is cheap; the migrator reads PostgreSQL's whole catalogue for the same answer.
  if (await isUpToDate(db)) return;
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
    migrationTableSchema: 'slotkeeper',
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

async function isUpToDate(db: Db): Promise<boolean> {
  const { rows: tables } = await sql`
    SELECT WHERE to_regclass('slotkeeper.kysely_migration') IS NOT NULL`.execute(db);
  if (tables.length === 0) return false;
  const { rows: executed } = await sql<{ name: string }>`
    SELECT name FROM slotkeeper.kysely_migration ORDER BY name`.execute(db);
  return isDeepStrictEqual(
    executed.map(({ name }) => name),
    Object.keys(migrations),
  );
}
