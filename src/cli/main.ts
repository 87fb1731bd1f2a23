#!/usr/bin/env node
/** The command line: one file per command. Data goes to stdout, everything else to stderr. */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { readDotEnv } from '../config/environment.js';
import { fail, WRONG_USE } from './exit.js';

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

const program = new Command('slotkeeper')
  .description("Keeps a clinic's own calendar and the Docplanner marketplace equal.")
  .version(version)
  .showHelpAfterError('(slotkeeper --help tells how)')
  .exitOverride();

const commands: { readonly [name: string]: () => Promise<Command> } = {
  start: async () => (await import('./start.js')).startCommand(),
  demo: async () => (await import('./demo/command.js')).demoCommand(),
  sandbox: async () => (await import('./sandbox.js')).sandboxCommand(),
  compute: async () => (await import('./compute.js')).computeCommand(),
  enqueue: async () => (await import('./enqueue.js')).enqueueCommand(),
  import: async () => (await import('./import/command.js')).importCommand(),
  status: async () => (await import('./status.js')).statusCommand(),
  booking: async () => (await import('./booking.js')).bookingCommand(),
  resync: async () => (await import('./resync/command.js')).resyncCommand(),
  failed: async () => (await import('./failed.js')).failedCommand(),
  held: async () => (await import('./held.js')).heldCommand(),
};
// The command that is named is loaded by itself: the arithmetic of `compute` needs no database and no server.
const [named = ''] = process.argv.slice(2);
for (const load of Object.hasOwn(commands, named) ? [commands[named]] : Object.values(commands)) {
  if (load !== undefined) program.addCommand(withExitOverride(await load()));
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
