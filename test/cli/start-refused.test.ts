// Problems of the machine that `slotkeeper start` reports with a sentence and exit code 1.
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { loadOrCreateKey } from '../../src/crypto/key-file.js';
import { embeddedFolder } from '../db/databases.js';
import { RunningProcess } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';
import { run } from './run.js';

const ENV = { SLOTKEEPER_API_KEY: 'key-of-the-clinic', PORT: '0', LOG_LEVEL: 'fatal' };
const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** A folder in which this user can create nothing. For root that is only a folder whose files the system creates. */
async function unwritable(): Promise<string> {
  if (process.getuid?.() === 0) return '/sys/kernel/slotkeeper';
  const folder = await tempDir();
  chmodSync(folder, 0o500);
  return join(folder, 'data');
}

describe('slotkeeper start', () => {
  test('refuses a folder that it may not write', async () => {
    const folder = await unwritable();
    const { code, stderr } = await run(['start'], { env: { ...ENV, SLOTKEEPER_DATA: folder } });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^slotkeeper: the data folder \S+ cannot be used: this user may not write it: .* SLOTKEEPER_DATA \(E\w+\)\n$/,
    );
  });

  test('refuses a folder whose key exists without its database, and creates none', async () => {
    const folder = await embeddedFolder();
    loadOrCreateKey(folder);
    rmSync(join(folder, 'pgdata'), { recursive: true });
    const { code, stderr } = await run(['start'], { env: { ...ENV, SLOTKEEPER_DATA: folder } });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^slotkeeper: the data folder \S+ has a key \(encryption\.key\), but no database: .*\n$/,
    );
  });

  test('refuses a low limit of open files, and prints the required one', async () => {
    const script = 'ulimit -n 64; exec "$0" "$1" start';
    const options = { cwd: await tempDir(), env: ENV };
    const refused = await RunningProcess.start('bash', ['-c', script, process.execPath, MAIN], options);
    expect(await refused.exited).toEqual({ code: 1, signal: null });
    expect(refused).toMatchObject({
      stdout: '',
      stderr:
        'slotkeeper: the limit of open files is 64, and slotkeeper needs 512: ' +
        'raise the limit (ulimit -n 512, or LimitNOFILE of systemd)\n',
    });
  });
});
