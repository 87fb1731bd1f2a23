/** The command line: one file per command. Data goes to stdout, everything else to stderr. */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { withDotEnv } from '../config/environment.js';
import { fail, WRONG_USE } from './exit.js';
import type { Io, Output } from './io.js';
import { whileLoading } from './while-loading.js';

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

const commands: { readonly [name: string]: () => Promise<(io: Io) => Command> } = {
  start: async () => (await whileLoading(() => import('./start.js'))).startCommand,
  demo: async () => (await import('./demo/command.js')).demoCommand,
  sandbox: async () => (await import('./sandbox.js')).sandboxCommand,
  compute: async () => (await import('./compute.js')).computeCommand,
  enqueue: async () => (await import('./enqueue.js')).enqueueCommand,
  import: async () => (await import('./import/command.js')).importCommand,
  status: async () => (await import('./status.js')).statusCommand,
  booking: async () => (await import('./booking.js')).bookingCommand,
  resync: async () => (await import('./resync/command.js')).resyncCommand,
  failed: async () => (await import('./failed.js')).failedCommand,
  held: async () => (await import('./held.js')).heldCommand,
};

/**
 * Runs one command to its end.
 * @param argv what follows the program's name
 * @returns the exit code
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  try {
    const program = await load(argv[0] ?? '', { ...io, env: withDotEnv(io.env, io.cwd) });
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USE;
    return fail(error, io.stderr);
  }
}

/** The command that is named is loaded by itself: the arithmetic of `compute` needs no database and no server. */
async function load(named: string, io: Io): Promise<Command> {
  const program = new Command('slotkeeper')
    .description("Keeps a clinic's own calendar and the Docplanner marketplace equal.")
    .version(version)
    .showHelpAfterError('(slotkeeper --help tells how)');
  for (const one of Object.hasOwn(commands, named) ? [commands[named]] : Object.values(commands)) {
    if (one !== undefined) program.addCommand((await one())(io));
  }
  return speakingOn(io, program);
}

/** A command throws instead of ending the process, and writes where it is told; a subcommand inherits neither by itself. */
function speakingOn(io: Io, command: Command): Command {
  const { stdout, stderr } = io;
  for (const child of command.commands) speakingOn(io, child);
  return command.exitOverride().configureOutput({
    writeOut: (text) => stdout.write(text),
    writeErr: (text) => stderr.write(text),
    getOutHelpWidth: () => widthOf(stdout),
    getErrHelpWidth: () => widthOf(stderr),
  });
}

/** What is no terminal is as wide as Commander takes it to be where it is told nothing. */
const widthOf = ({ isTTY, columns }: Output): number =>
  isTTY === true && columns !== undefined ? columns : 80;
