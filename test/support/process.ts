// Real processes for tests: started, listened to, killed with any signal, and never left behind.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { guard } from './guard.js';
import { atEndOfTest } from './release.js';
import { tempDir } from './temp-dir.js';

export interface ProcessOptions {
  /** The whole environment; nothing is inherited but PATH, HOME and TMPDIR. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Written to standard input, which is then closed; empty by default. */
  readonly stdin?: string;
  /** Run as this user instead of the current one; needs root. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** Sent at the end of the test, and when the test process dies; SIGKILL by default. */
  readonly endSignal?: NodeJS.Signals;
  /** Whether the end of the test ends it; true by default. Else whoever starts it has to. */
  readonly endsWithTest?: boolean;
  /** Removed when the test process dies. */
  readonly removeIfOrphaned?: readonly string[];
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class RunningProcess {
  readonly pid: number;
  /** Settles when the process has ended and all its output was read. */
  readonly exited: Promise<Exit>;
  #name: string;
  #child: ChildProcessWithoutNullStreams;
  #output = { stdout: '', stderr: '' };
  #exit: Exit | undefined;

  private constructor(name: string, child: ChildProcessWithoutNullStreams, pid: number) {
    this.#name = name;
    this.#child = child;
    this.pid = pid;
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        this.#output[stream] += text;
      });
    }
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
  }

  /** Throws when the command cannot be started at all. */
  static async start(
    command: string,
    args: readonly string[],
    options: ProcessOptions,
  ): Promise<RunningProcess> {
    const { cwd, user, endSignal = 'SIGKILL', endsWithTest = true, removeIfOrphaned = [] } = options;
    const env = { ...inherited(), ...options.env };
    const child = spawn(command, args, { cwd, env, ...user, detached: true });
    await once(child, 'spawn');
    if (child.pid === undefined) throw new Error(`${command} has no process id`);
    const running = new RunningProcess([command, ...args].join(' '), child, child.pid);
    const dismiss = guard({ pid: running.pid, signal: endSignal, remove: removeIfOrphaned });
    void running.exited.then(dismiss);
    if (endsWithTest) {
      atEndOfTest(async () => {
        await running.kill(endSignal);
      });
    }
    child.stdin.on('error', () => {}); // It ended before it read everything; `exited` tells how.
    child.stdin.end(options.stdin ?? '');
    return running;
  }

  /** All that was written so far. */
  get stdout(): string {
    return this.#output.stdout;
  }

  get stderr(): string {
    return this.#output.stderr;
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  /**
   * The first complete line of either stream that matches, also when it was written before the call. Fails with the
   * output when the process ends without such a line, or after `within` milliseconds (60,000 by default).
   */
  async waitForLine(pattern: RegExp | string, { within = 60_000 } = {}): Promise<string> {
    const matches = (line: string) =>
      typeof pattern === 'string' ? line.includes(pattern) : line.search(pattern) >= 0;
    return new Promise((resolve, reject) => {
      const streams = [this.#child.stdout, this.#child.stderr];
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        for (const stream of streams) stream.off('data', look);
        settle();
      };
      const fail = (why: string) => finish(() => reject(this.#error(`${why} before a line with ${pattern}`)));
      const look = () => {
        const line = [this.stdout, this.stderr]
          .flatMap((text) => text.split('\n').slice(0, -1))
          .find(matches);
        if (line !== undefined) finish(() => resolve(line));
      };
      const timer = setTimeout(() => fail(`${within} ms passed`), within);
      for (const stream of streams) stream.on('data', look);
      void this.exited.then(() => {
        look();
        fail('it ended');
      });
      look();
    });
  }

  /** Sends a signal without waiting for anything (SIGSTOP, SIGCONT, SIGHUP). */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /**
   * Sends a signal and waits for the end; does nothing when it has ended. A process that is still there after `within`
   * milliseconds (60,000 by default) is killed with SIGKILL, and the call fails.
   */
  async kill(signal: NodeJS.Signals = 'SIGTERM', { within = 60_000 } = {}): Promise<Exit> {
    if (this.#exit !== undefined) return this.#exit;
    let overdue = false;
    const timer = setTimeout(() => {
      overdue = true;
      process.kill(-this.pid, 'SIGKILL'); // The group, since children that hold the pipes keep it from ending.
    }, within);
    this.#child.kill(signal);
    const exit = await this.exited;
    clearTimeout(timer);
    if (overdue) throw this.#error(`It was still running ${within} ms after ${signal}`);
    return exit;
  }

  #error(message: string): Error {
    const { code = null, signal = null } = this.#exit ?? {};
    const state = this.#exit === undefined ? 'running' : `ended with ${signal ?? `exit code ${code}`}`;
    return new Error(
      `${message}: ${this.#name} (${state})\n--- stdout\n${this.stdout}\n--- stderr\n${this.stderr}`,
    );
  }
}

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** PGlite is WebAssembly: in a process that lives for seconds, making it fast costs more than it brings. */
const QUICK_START = '--liftoff-only';

/**
 * Starts the built command line, `slotkeeper ARGS`. It sees none of the caller's settings, only `env`; its working
 * directory is a new folder unless `cwd` is given, so that no `.env` or `.slotkeeper` of the checkout is found.
 */
export async function startSlotkeeper(
  args: readonly string[],
  options: Partial<ProcessOptions> = {},
): Promise<RunningProcess> {
  if (!existsSync(MAIN))
    throw new Error(`${MAIN} is missing: \`npm run build\` makes it, and so does \`npm test\``);
  const cwd = options.cwd ?? (await tempDir());
  return RunningProcess.start(process.execPath, [QUICK_START, MAIN, ...args], { ...options, cwd });
}

function inherited(): Record<string, string> {
  const kept = ['PATH', 'HOME', 'TMPDIR'].map((name) => [name, process.env[name]] as const);
  return Object.fromEntries(kept.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
