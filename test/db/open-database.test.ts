import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { openDatabase } from '../../src/db/database.js';
import { FolderInUseError } from '../../src/db/folder-in-use-error.js';
import { lockFolder } from '../../src/db/folder-lock.js';
import { ServiceUnavailableError } from '../../src/db/service-unavailable-error.js';
import { listAccounts } from '../../src/db/tables/accounts.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { freshDatabase } from '../support/postgres.js';
import { sharedService } from '../support/shared-services.js';
import { tempDir } from '../support/temp-dir.js';
import { embeddedFolder } from './databases.js';

describe('opening the database on PostgreSQL', () => {
  test('migrates once when two processes open it at the same time', async () => {
    const { url } = await freshDatabase();
    const databases = await Promise.all([openDatabase({ url }), openDatabase({ url })]);
    expect(await Promise.all(databases.map(({ db }) => listAccounts(db)))).toEqual([[], []]);
    await Promise.all(databases.map((database) => database.close()));
  });

  test('refuses tables that a newer version has migrated', async () => {
    const { url } = await freshDatabase();
    const database = await openDatabase({ url });
    await sql`INSERT INTO slotkeeper.kysely_migration (name, timestamp) VALUES ('999-newer', 'now')`.execute(
      database.db,
    );
    await database.close();
    await expect(openDatabase({ url })).rejects.toThrow(/cannot be used: .*999-newer/);
  });

  test.each(['nobody listens', 'the password is wrong', 'there is no such database'])(
    'fails with a message without the password where %s',
    async (what) => {
      const url = new URL(sharedService('DATABASE_URL'));
      if (what === 'nobody listens') url.port = String(await freePort());
      if (what === 'the password is wrong') url.password = 's3cret-password';
      if (what === 'there is no such database') url.pathname = '/nothing_here';
      const error = await openDatabase({ url: url.href }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ServiceUnavailableError);
      expect(String(error)).toMatch(
        new RegExp(`PostgreSQL at postgres://127.0.0.1:${url.port}${url.pathname} cannot be used: .+`),
      );
      expect(String(error)).not.toContain(url.password);
    },
  );
});

describe('the embedded folder', () => {
  test('is refused to a second process with advice, and unlocked when closed', async () => {
    const folder = await embeddedFolder();
    const first = await openDatabase({ folder });
    first.lock?.recordUrl('http://127.0.0.1:8080');
    const error = await openDatabase({ folder }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FolderInUseError);
    expect(String(error)).toContain(
      `the data folder ${folder} is in use by another slotkeeper (process ${process.pid}, http://127.0.0.1:8080)`,
    );
    expect(String(error)).toMatch(
      /stop that one, choose another folder with SLOTKEEPER_DATA, or set DATABASE_URL/,
    );
    await first.close();
    lockFolder(folder).release();
  });

  test('keeps its write-ahead log short while it is open, however much is written', async () => {
    const database = await openDatabase({ folder: await embeddedFolder() });
    const message = sql`SELECT pg_logical_emit_message(true, 'test', repeat('x', 1000000))`;
    for (let mb = 0; mb < 40; mb += 1) await message.execute(database.db);
    const logMb = async (): Promise<number> => {
      const { rows } = await sql<{ mb: number }>`
        SELECT (pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn) / 1000000)::int AS mb
        FROM pg_control_checkpoint()`.execute(database.db);
      return rows[0]?.mb ?? 0;
    };
    await eventually(async () => (await logMb()) < 20);
    await database.close();
  });

  test.each([
    ['a process that has ended', JSON.stringify({ pid: 2 ** 22 + 1, startedAt: '1' })],
    ['a process whose pid another process has now', JSON.stringify({ pid: process.pid, startedAt: '1' })],
    ['no process, because a crash truncated the file', '{"pi'],
  ])('with the lock of %s is locked anew', async (_, lock) => {
    const folder = await tempDir();
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'lock'), lock);
    const own = lockFolder(folder);
    expect(() => lockFolder(folder)).toThrow(FolderInUseError);
    own.release();
    lockFolder(folder).release();
  });
});
