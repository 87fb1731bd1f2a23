/** Brings the record's tables up to date. */
import { isDeepStrictEqual } from 'node:util';
import { type Migration, Migrator, sql } from 'kysely';
import * as tables from './migrations/001-tables.js';
import type { Db } from './schema.js';

/** In order; a migration that has been released is never changed. */
const migrations: { readonly [name: string]: Migration } = { '001-tables': tables };

/** @throws an error where a newer version has changed the tables */
export async function migrate(db: Db): Promise<void> {
  // The migrator reads PostgreSQL's whole catalogue to learn the same.
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
  const { rows: done } = await sql<{ name: string }>`
    SELECT name FROM slotkeeper.kysely_migration ORDER BY name`.execute(db);
  return isDeepStrictEqual(
    done.map(({ name }) => name),
    Object.keys(migrations),
  );
}
