/** The command line: one file per command. Data goes to stdout, everything else to stderr. */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { withDotEnv } from '../config/environment.js';
import { reportError, WRONG_USE } from './exit.js';
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
  calendars: async () => (await import('./calendars.js')).calendarsCommand,
  day: async () => (await import('./day.js')).dayCommand,
  why: async () => (await import('./why.js')).whyCommand,
  booking: async () => (await import('./booking.js')).bookingCommand,
  resync: async () => (await import('./resync/command.js')).resyncCommand,
  failed: async () => (await import('./failed.js')).failedCommand,
  history: async () => (await import('./history.js')).historyCommand,
  held: async () => (await import('./held.js')).heldCommand,
};

/**
 * Runs one command until it ends.
 * @param argv the arguments after the program's name
 * @returns the exit code
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  try {
    const program = await load(argv[0] ?? '', { ...io, env: withDotEnv(io.env, io.cwd) });
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USE;
    return reportError(error, io.stderr);
  }
}

/** Imports only the requested command, because `compute` needs neither the database nor the server. */
async function load(requested: string, io: Io): Promise<Command> {
  const program = new Command('slotkeeper')
    .description("Synchronizes a clinic's own calendar with the Docplanner marketplace.")
    .version(version)
    .showHelpAfterError('(see slotkeeper --help)');
  const loaded = Object.hasOwn(commands, requested) ? [commands[requested]] : Object.values(commands);
  for (const loadCommand of loaded) {
    if (loadCommand !== undefined) program.addCommand((await loadCommand())(io));
  }
  return configureOutput(io, program);
}

/** Makes a command throw instead of exiting, and write to the given streams. Subcommands do not inherit either setting. */
function configureOutput(io: Io, command: Command): Command {
  const { stdout, stderr } = io;
  for (const child of command.commands) configureOutput(io, child);
  return command.exitOverride().configureOutput({
    writeOut: (text) => stdout.write(text),
    writeErr: (text) => stderr.write(text),
    getOutHelpWidth: () => widthOf(stdout),
    getErrHelpWidth: () => widthOf(stderr),
  });
}

/** Where there is no terminal, the width is Commander's default. */
const widthOf = ({ isTTY, columns }: Output): number =>
  isTTY === true && columns !== undefined ? columns : 80;
