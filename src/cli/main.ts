#!/usr/bin/env node
/** The command line: one file per command. Data goes to stdout, everything else to stderr. */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { readDotEnv } from '../config/environment.js';
import { computeCommand } from './compute.js';
import { demoCommand } from './demo/command.js';
import { enqueueCommand } from './enqueue.js';
import { fail, WRONG_USE } from './exit.js';
import { failedCommand } from './failed.js';
import { sandboxCommand } from './sandbox.js';
import { startCommand } from './start.js';
import { statusCommand } from './status.js';

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

const program = new Command('slotkeeper')
  .description("Keeps a clinic's own calendar and the Docplanner marketplace equal.")
  .version(version)
  .showHelpAfterError('(slotkeeper --help tells how)')
  .exitOverride();

for (const command of [
  startCommand(),
  demoCommand(),
  sandboxCommand(),
  computeCommand(),
  enqueueCommand(),
  statusCommand(),
  failedCommand(),
]) {
  program.addCommand(withExitOverride(command));
}

/** A subcommand inherits nothing of this by itself. */
function withExitOverride(command: Command): Command {
  for (const child of command.commands) withExitOverride(child);
  return command.exitOverride();
}

// `slotkeeper … | head` closes the pipe when it has enough; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  throw error;
});

try {
  readDotEnv();
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : WRONG_USE;
  else fail(error);
}
