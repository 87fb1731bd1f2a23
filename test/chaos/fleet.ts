// The engine of a chaos run as it runs for real: processes of the built command line, each kept running by a supervisor
// that starts it again whatever ended it.
import { randomBytes } from 'node:crypto';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { RunningProcess } from '../support/process.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const RESTART_MS = 200;
const GRACE_MS = 120_000;
/** A machine that is busy with other things takes its time. */
const STARTS_WITHIN_MS = 300_000;
/** The embedded database is WebAssembly: in a process that lives for seconds, making it fast costs more than it brings. */
const QUICK_START = '--liftoff-only';

export interface FleetOptions {
  readonly config: object;
  /** Where the API listens. */
  readonly port: number;
  /** DATABASE_URL, REDIS_URL; without a database the embedded one is used. */
  readonly services: Readonly<Record<string, string>>;
  /** What each process does, by its name; one of them has the role `api`. */
  readonly processes: Readonly<Record<string, string>>;
  /** The command line; default the one that is built. */
  readonly program?: string | undefined;
  /** A process ended by itself after it had started: nothing outside of it may do that. */
  readonly onCrash: (what: string) => void;
}

/** @param port where the API listens */
export const apiUrlAt = (port: number): string => `http://127.0.0.1:${port}`;

export class Fleet {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly #folder: string;
  readonly #members: ReadonlyMap<string, Member>;

  private constructor(apiUrl: string, apiKey: string, folder: string, members: ReadonlyMap<string, Member>) {
    this.apiUrl = apiUrl;
    this.apiKey = apiKey;
    this.#folder = folder;
    this.#members = members;
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const folder = await mkdtemp(join(await realpath(tmpdir()), 'slotkeeper-chaos-'));
    const apiKey = randomBytes(16).toString('hex');
    const file = join(folder, 'slotkeeper.yaml');
    await writeFile(file, JSON.stringify(options.config), { mode: 0o600 });
    const env = {
      ...options.services,
      SLOTKEEPER_CONFIG: file,
      SLOTKEEPER_DATA: join(folder, 'data'),
      SLOTKEEPER_API_KEY: apiKey,
      PORT: String(options.port),
      SLOTKEEPER_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      LOG_LEVEL: 'info',
    };
    const program = options.program ?? MAIN;
    const members = new Map(
      Object.entries(options.processes).map(([name, roles]) => [
        name,
        new Member(
          name,
          [QUICK_START, program, 'start', '--roles', roles],
          { cwd: folder, env },
          options.onCrash,
        ),
      ]),
    );
    const fleet = new Fleet(apiUrlAt(options.port), apiKey, folder, members);
    for (const member of members.values()) member.keepRunning();
    await fleet.allUp();
    return fleet;
  }

  get names(): readonly string[] {
    return [...this.#members.keys()];
  }

  /** Ends the process, if it runs; it is started again. */
  async end(name: string, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await this.#members.get(name)?.end(signal);
  }

  async allUp(): Promise<void> {
    await Promise.all([...this.#members.values()].map((member) => member.up()));
  }

  /** The last words of every process, for a run that failed. */
  get log(): string {
    return [...this.#members.values()].map((member) => member.log).join('\n');
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#members.values()].map((member) => member.stop()));
    await rm(this.#folder, { recursive: true, force: true });
  }
}

interface HowToRun {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** One process, and whoever takes its place. */
class Member {
  readonly #name: string;
  readonly #args: readonly string[];
  readonly #how: HowToRun;
  readonly #onCrash: (what: string) => void;
  #process: RunningProcess | undefined;
  #started = false;
  #wanted = true;
  #ending = false;
  #running: Promise<void> = Promise.resolve();
  #earlier = '';

  constructor(name: string, args: readonly string[], how: HowToRun, onCrash: (what: string) => void) {
    this.#name = name;
    this.#args = args;
    this.#how = how;
    this.#onCrash = onCrash;
  }

  keepRunning(): void {
    this.#running = this.#supervise();
  }

  async #supervise(): Promise<void> {
    while (this.#wanted) {
      const child = await RunningProcess.start(process.execPath, this.#args, {
        ...this.#how,
        endsWithTest: false,
      });
      this.#process = child;
      this.#ending = false;
      const line = child.waitForLine('"msg":"started"', { within: STARTS_WITHIN_MS });
      const hasStarted = line.then(
        () => true,
        () => false,
      );
      void hasStarted.then((started) => {
        if (child === this.#process) this.#started = started;
      });
      const { code, signal } = await child.exited;
      // One that cannot reach its servers when it starts says so and ends; one that runs outlives their absence.
      if (!this.#ending && this.#wanted && (await hasStarted)) {
        this.#onCrash(`${this.#name} ended by itself (${signal ?? code}): ${child.stderr.slice(-3_000)}`);
      }
      this.#started = false;
      this.#earlier = this.log.slice(-200_000);
      this.#process = undefined;
      if (this.#wanted) await sleep(RESTART_MS);
    }
  }

  async up(): Promise<void> {
    for (const deadline = Date.now() + STARTS_WITHIN_MS; !this.#started; await sleep(20)) {
      if (Date.now() > deadline) throw new Error(`${this.#name} did not start:\n${this.log}`);
    }
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#process;
    if (child === undefined || !child.running) return;
    this.#ending = true;
    try {
      await child.kill(signal, { within: GRACE_MS });
    } catch {
      this.#onCrash(`${this.#name} did not end within ${GRACE_MS} ms of ${signal}`);
    }
  }

  get log(): string {
    return `${this.#earlier}\n--- ${this.#name}\n${this.#process?.stderr ?? ''}`;
  }

  async stop(): Promise<void> {
    this.#wanted = false;
    await this.end('SIGKILL');
    await this.#running;
  }
}
