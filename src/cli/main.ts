#!/usr/bin/env node
/** The executable: runs the command line in this process. */
import { systemTimers } from '../lib/timers.js';
import { checkOpenFileLimit } from './open-files.js';
import { whileLoading } from './while-loading.js';

// `slotkeeper … | head` closes the pipe early, which is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  throw error;
});
// The engine continues when the reader of the log has exited.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await run();

async function run(): Promise<number> {
  const problem = checkOpenFileLimit();
  if (problem !== undefined) {
    process.stderr.write(`slotkeeper: ${problem}\n`);
    return 1;
  }
  // Imported after the check, because with a low limit of open files the import fails with a misleading error.
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
