#!/usr/bin/env node
/** The bin: the command line on this process. */
import { systemTimers } from '../lib/timers.js';
import { tooFewFiles } from './open-files.js';
import { whileLoading } from './while-loading.js';

// `slotkeeper … | head` closes the pipe when it has enough; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  throw error;
});
// Whoever read the log is gone: the engine goes on without.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await run();

async function run(): Promise<number> {
  const problem = tooFewFiles();
  if (problem !== undefined) {
    process.stderr.write(`slotkeeper: ${problem}\n`);
    return 1;
  }
  // Loaded only now: where few files may be open, loading fails for reasons that are none.
  const { main } = await whileLoading(() => import('./program.js'));
  return await main(process.argv.slice(2), {
    env: process.env,
    cwd: process.cwd(),
    stdin: () => process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signals: process,
    exit: (code) => process.exit(code),
    now: Date.now,
    timers: systemTimers,
  });
}
