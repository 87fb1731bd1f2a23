// A program that embeds the engine, and whose embedded database stops: see test/support/small-disk-preload.mjs.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { embeddedFolder } from '../db/databases.js';
import { RunningProcess } from '../support/process.js';
import { smallDisk } from '../support/small-disk.js';
import { tempDir } from '../support/temp-dir.js';

const LIBRARY = new URL('../../dist/index.js', import.meta.url).href;

/**
 * A program that has an engine and writes; its disk gets full.
 * @param more options of its engine, as text
 */
async function programWith(more: string): Promise<RunningProcess> {
  const [cwd, data, disk] = [await tempDir(), await embeddedFolder(), await smallDisk({ free: 2 ** 30 })];
  const program = `
    import { createLog, Slotkeeper } from ${JSON.stringify(LIBRARY)};
    import { setTimeout as sleep } from 'node:timers/promises';
    const engine = new Slotkeeper({ data: ${JSON.stringify(data)}, log: createLog('warn'), roles: [], ${more} });
    await engine.start();
    process.stdout.write('started\\n');
    for (let n = 0; ; n += 1) {
      await engine.enqueue([{ id: 'e' + n, type: 'released', calendar: 'nowak', ref: 'r' }]).catch(() => {});
      await sleep(10);
    }`;
  writeFileSync(join(cwd, 'program.mjs'), program);
  const running = await RunningProcess.start(process.execPath, ['program.mjs'], { cwd, env: disk.env });
  await running.waitForLine('started', { within: 120_000 });
  disk.set({ free: 0, shown: 2 ** 30, copies: true });
  return running;
}

describe('a program whose embedded database stops', () => {
  test('exits with 1 and the reason in its log', async () => {
    const running = await programWith('');
    expect(await running.exited).toEqual({ code: 1, signal: null });
    const last = JSON.parse(running.stderr.trim().split('\n').at(-1) ?? '');
    expect(last).toMatchObject({
      level: 60,
      msg: 'the embedded database has stopped; the process exits',
      // PostgreSQL may hang before it has written the reason; then the watchdog reports first.
      err: {
        type: 'DatabaseLostError',
        message: expect.stringMatching(/No space left on device|made no progress for 10 s/),
      },
    });
  });

  test('continues where it handles the loss itself', async () => {
    const running = await programWith(
      `onDatabaseLost: async (error) => {
        process.stdout.write(error.name + '\\n');
        await engine.stop();
        process.stdout.write('stopped\\n');
        process.exit(7);
      }`,
    );
    expect(await running.exited).toEqual({ code: 7, signal: null });
    expect(running.stdout).toBe('started\nDatabaseLostError\nstopped\n');
  });
});
