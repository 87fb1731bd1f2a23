// Runs one command of the command line in this process.
import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import type { Io, Output } from '../../src/cli/io.js';
import { main } from '../../src/cli/program.js';
import { systemTimers } from '../../src/lib/timers.js';
import { ENCRYPTION_KEY } from '../db/databases.js';
import { tempDir } from '../support/temp-dir.js';

export interface Way {
  /** The whole environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Default: a new folder, so that no `.env` or `.slotkeeper` of the checkout is found. */
  readonly cwd?: string;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Underway {
  /** The output so far. */
  readonly written: { readonly stdout: string; readonly stderr: string };
  /** The exit codes of immediate exits. */
  readonly exits: readonly number[];
  /** Simulates a signal to the process. */
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<Ran>;
}

/** Runs a command until it ends. */
export async function run(args: readonly string[], way: Way = {}): Promise<Ran> {
  return await (await begin(args, way)).ended;
}

export async function begin(args: readonly string[], way: Way = {}): Promise<Underway> {
  const { io, written, exits, signals } = ioOf({ ...way, cwd: way.cwd ?? (await tempDir()) });
  const code = main(args, io);
  return {
    written,
    exits,
    signal: (name) => void signals.emit(name),
    ended: code.then((code) => ({ code, ...written })),
  };
}

/** The interface of a command to the process, simulated. */
export function ioOf({ env = {}, stdin = '', cwd }: Way & { readonly cwd: string }) {
  const written = { stdout: '', stderr: '' };
  const exits: number[] = [];
  const signals = new EventEmitter();
  const output = (name: keyof typeof written): Output => ({
    write: (text) => {
      written[name] += text;
    },
  });
  const io: Io = {
    // PostgreSQL requires a key, which few tests are about.
    env: env.DATABASE_URL ? { SLOTKEEPER_ENCRYPTION_KEY: ENCRYPTION_KEY, ...env } : env,
    cwd,
    stdin: () => Readable.from([Buffer.from(stdin)]),
    stdout: output('stdout'),
    stderr: output('stderr'),
    signals,
    exit: (code) => exits.push(code),
    now: Date.now,
    timers: systemTimers,
  };
  return { io, written, exits, signals };
}
