// The folder of the embedded database: an incomplete database is refused, and system errors are explained in a sentence.
import { existsSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadOrCreateKey } from '../../src/crypto/key-file.js';
import { DataFolderError } from '../../src/db/data-folder-error.js';
import { openDatabase } from '../../src/db/database.js';
import { findHolder } from '../../src/db/folder-lock.js';
import { listAccounts } from '../../src/db/tables/accounts.js';
import { tempDir } from '../support/temp-dir.js';
import { embeddedFolder } from './databases.js';

async function openingError(folder: string): Promise<string> {
  const error = await openDatabase({ folder }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DataFolderError);
  expect(findHolder(folder)).toBeUndefined();
  return String(error);
}

describe('a data folder', () => {
  test.each<[string, string, (folder: string) => void]>([
    ['no PG_VERSION', 'pgdata/PG_VERSION is missing', (folder) => rmSync(join(folder, 'pgdata/PG_VERSION'))],
    [
      'no write-ahead log',
      'pgdata/pg_wal is missing',
      (folder) => rmSync(join(folder, 'pgdata/pg_wal'), { recursive: true }),
    ],
    [
      'an empty write-ahead log',
      'pgdata/pg_wal/* is missing',
      (folder) => {
        const wal = join(folder, 'pgdata/pg_wal');
        for (const name of readdirSync(wal)) rmSync(join(wal, name), { recursive: true });
      },
    ],
    [
      'nothing in it but its key',
      'has a key (encryption.key), but no database',
      (folder) => rmSync(join(folder, 'pgdata'), { recursive: true }),
    ],
    [
      'an empty database folder',
      'pgdata/PG_VERSION is missing',
      (folder) => {
        rmSync(join(folder, 'pgdata'), { recursive: true });
        mkdirSync(join(folder, 'pgdata'));
      },
    ],
  ])('with %s is refused with advice, and left unchanged', async (_, expected, damage) => {
    const folder = await embeddedFolder();
    loadOrCreateKey(folder);
    damage(folder);
    const before = readdirSync(folder, { recursive: true }).sort();
    const message = await openingError(folder);
    expect(message).toContain(`the data folder ${folder} has `);
    expect(message).toContain(expected);
    expect(message).toMatch(/from a backup; or, to start empty, move the whole folder away/);
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(before);
  });

  test('with a database that PostgreSQL cannot read is refused with the reason', async () => {
    const folder = await embeddedFolder();
    truncateSync(join(folder, 'pgdata/global/pg_control'), 0);
    expect(await openingError(folder)).toMatch(
      /has a database that cannot be opened \(.*pg_control.*\): .*restore the whole folder from a backup/,
    );
  });

  test('with an interrupted first start is completed by the next start', async () => {
    const folder = await tempDir();
    mkdirSync(join(folder, 'pgdata.unfinished/base'), { recursive: true });
    writeFileSync(join(folder, 'pgdata.unfinished/PG_VERSION'), '18\n');
    writeFileSync(join(folder, 'lock'), JSON.stringify({ pid: 2 ** 22 + 1, startedAt: '1' }));
    const database = await openDatabase({ folder });
    expect(await listAccounts(database.db)).toEqual([]);
    await database.close();
    expect(existsSync(join(folder, 'pgdata.unfinished'))).toBe(false);
  });

  test('that is a file, or below a file, is refused in a sentence', async () => {
    const folder = await tempDir();
    writeFileSync(join(folder, 'file'), '');
    for (const path of [join(folder, 'file'), join(folder, 'file/data')]) {
      expect(await openingError(path)).toBe(
        `DataFolderError: the data folder ${path} cannot be used: a part of its path is a file (${path.endsWith('data') ? 'ENOTDIR' : 'EEXIST'})`,
      );
    }
  });
});
