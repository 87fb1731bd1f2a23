// Folders of a test's own.
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEndOfTest } from './release.js';

/** The path of a new empty folder, which is removed with all it holds at the end of the test file. */
export async function tempDir(): Promise<string> {
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'slotkeeper-test-'));
  atEndOfTest(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
