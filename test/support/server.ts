// What the PostgreSQL and Redis servers of tests have in common: one folder, one port, and a process that comes and goes.
import { chown, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProcessOptions, RunningProcess } from './process.js';
import { atEndOfTest } from './release.js';

export interface ServerOptions {
  /** Whether what was acknowledged survives `crash`, at the price of speed; true by default. */
  readonly durable?: boolean;
}

type User = NonNullable<ProcessOptions['user']>;

export interface ServerParts {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  /** Starts the process and waits until it accepts connections. */
  readonly launch: () => Promise<RunningProcess>;
  readonly stopSignal: NodeJS.Signals;
  readonly crashSignal: NodeJS.Signals;
}

/** Stopped and removed at the end of the test that started it, whichever test restarts its process. */
export abstract class Server {
  readonly url: string;
  readonly port: number;
  #parts: ServerParts;
  #process: RunningProcess;

  protected constructor(parts: ServerParts, process: RunningProcess) {
    this.url = parts.url;
    this.port = parts.port;
    this.#parts = parts;
    this.#process = process;
    atEndOfTest(() => this.remove());
  }

  get running(): boolean {
    return this.#process.running;
  }

  /** Shuts it down in good order and keeps its data; nothing when it is not running. */
  async stop(): Promise<void> {
    await this.#process.kill(this.#parts.stopSignal);
  }

  /** Ends it at once, as a power cut would, and keeps what has reached the disk. */
  async crash(): Promise<void> {
    await this.#process.kill(this.#parts.crashSignal);
  }

  /** Brings it back on the same port with the same data; stops it first when it is running. */
  async restart(): Promise<void> {
    await this.stop();
    this.#process = await this.#parts.launch();
  }

  /** Stops it for good and removes its data. */
  async remove(): Promise<void> {
    await this.crash();
    await rm(this.#parts.folder, { recursive: true, force: true });
  }
}

/** A folder for a server's data that belongs to `user`; the server removes it. */
export async function serverFolder(name: string, user?: User): Promise<string> {
  const folder = await mkdtemp(join(await realpath(tmpdir()), `slotkeeper-test-${name}-`));
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  return folder;
}

/** Kills the process when it does not become ready. */
export async function ready(process: RunningProcess, line: RegExp): Promise<RunningProcess> {
  try {
    await process.waitForLine(line);
    return process;
  } catch (error) {
    await process.kill('SIGKILL');
    throw error;
  }
}
