// One command of the command line, in this process.
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
  /** A new folder unless it is given, so that no `.env` or `.slotkeeper` of the checkout is found. */
  readonly cwd?: string;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Underway {
  /** All that was written so far. */
  readonly written: { readonly stdout: string; readonly stderr: string };
  /** The exit codes with which it asked for the end of the process at once. */
  readonly exits: readonly number[];
  /** As if its process got this signal. */
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<Ran>;
}

/** From its start to its end. */
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

/** What a command has here instead of a process. */
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
    // PostgreSQL needs a key, which is the subject of few tests.
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
