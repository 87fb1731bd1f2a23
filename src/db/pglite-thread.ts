/**
 * The embedded database, in a thread of its own: asked by messages, watched, and ended with everything that waits for it where
 * it can answer no more.
 */
import { Worker } from 'node:worker_threads';
import { systemTimers, type Timers, within } from '../lib/timers.js';
import { DatabaseLostError } from './database-lost-error.js';
import {
  deserializeError,
  type StatementResult,
  type ThreadData,
  type ThreadMessage,
  type ThreadRequest,
} from './pglite-messages.js';
import { Watchdog } from './watchdog.js';

export interface ThreadOptions extends ThreadData {
  /** Called once where it is lost while it is open, a moment after whoever waits for it was told. */
  readonly onLost?: (error: DatabaseLostError) => unknown;
  /** How it waits; default in real time. */
  readonly timers?: Timers;
}

interface Waiting {
  readonly resolve: (answer: StatementResult<never>) => void;
  readonly reject: (error: Error) => void;
}

type Heard = (payload: string) => void;

const ENTRY = new URL('./pglite-worker.js', import.meta.url);
/** Until everything is prepared: a migration takes as long as it takes. */
const PREPARING_MS = 10 * 60_000;
const STATEMENT_MS = 10_000;
const CLOSE_MS = 5_000;
/** For whoever waits to pass on that it is lost. */
const FAREWELL_MS = 500;

export class PgliteThread {
  readonly #options: ThreadOptions;
  readonly #timers: Timers;
  readonly #worker: Worker;
  readonly #watchdog: Watchdog;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Map<string, Set<Heard>>();
  readonly #exited: Promise<void>;
  #opened: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #asked = 0;
  #isClosing = false;
  #lost: DatabaseLostError | undefined;

  /** @throws {DatabaseLostError} where it cannot be opened, with the reason */
  static async open(options: ThreadOptions): Promise<PgliteThread> {
    const thread = new PgliteThread(options);
    await new Promise<void>((resolve, reject) => {
      thread.#opened = { resolve, reject };
    });
    return thread;
  }

  private constructor(options: ThreadOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    const { dataDir, createIn } = options;
    const data: ThreadData = { dataDir, createIn };
    this.#worker = new Worker(ENTRY, { workerData: data, name: 'embedded database' });
    this.#watchdog = new Watchdog(this.#timers, PREPARING_MS, (ms) =>
      this.#lose(`it made no progress for ${ms / 1_000} s`),
    );
    // Until it is ready.
    this.#watchdog.requestSent();
    this.#exited = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    this.#worker.on('message', (told: ThreadMessage) => this.#onTold(told));
    this.#worker.on('error', (error: Error) => this.#lose(error.message));
    this.#worker.on('messageerror', (error: Error) => this.#lose(error.message));
    this.#worker.on('exit', () => this.#lose('its thread has ended'));
  }

  get isClosed(): boolean {
    return this.#isClosing || this.#lost !== undefined;
  }

  /** From here on what takes longer loses the database. @param ms default 10,000 */
  setStatementTimeout(ms = STATEMENT_MS): void {
    this.#watchdog.setLimit(ms);
  }

  /** @param params absent for a text that may hold several statements: the last one's answer counts */
  async query<R>(text: string, params?: readonly unknown[]): Promise<StatementResult<R>> {
    if (this.#lost !== undefined) throw this.#lost;
    if (this.#isClosing) throw new Error('PGlite is closed');
    this.#asked += 1;
    const id = this.#asked;
    const question: ThreadRequest = { kind: 'ask', id, text, ...(params === undefined ? {} : { params }) };
    // A parameter that cannot be copied fails here, and is asked nothing of.
    this.#worker.postMessage(question);
    this.#watchdog.requestSent();
    return await new Promise<StatementResult<R>>((resolve, reject) =>
      this.#waiting.set(id, { resolve, reject }),
    );
  }

  /** @returns what ends it; the channel itself is listened to by whoever asks for it */
  onNotification(channel: string, heard: Heard): () => void {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(heard));
    return () => {
      listeners.delete(heard);
      if (listeners.size === 0) this.#listeners.delete(channel);
    };
  }

  /** Whether anybody here listens to it. */
  hasListeners(channel: string): boolean {
    return this.#listeners.has(channel);
  }

  /** Closes the database after what was asked; ends within seconds, whether it answers or not. May be called again. */
  async close(): Promise<void> {
    if (!this.isClosed) {
      this.#isClosing = true;
      this.#worker.postMessage({ kind: 'close' } satisfies ThreadRequest);
    }
    await within(this.#timers, CLOSE_MS, this.#exited);
    await this.#end('it was closed');
  }

  #onTold(told: ThreadMessage): void {
    if (this.#lost !== undefined) return;
    switch (told.kind) {
      case 'ready':
        this.#watchdog.responseReceived();
        this.#opened?.resolve();
        this.#opened = undefined;
        return;
      case 'not-ready':
      case 'lost':
        this.#lose(told.reason);
        return;
      case 'notification':
        for (const heard of this.#listeners.get(told.channel) ?? []) heard(told.payload);
        return;
      case 'answer':
        this.#answered(told.id)?.resolve(told.answer as StatementResult<never>);
        return;
      case 'error':
        this.#answered(told.id)?.reject(deserializeError(told.error));
    }
  }

  #answered(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    this.#watchdog.responseReceived();
    return waiting;
  }

  #lose(reason: string): void {
    if (this.isClosed) return;
    const opened = this.#opened;
    this.#opened = undefined;
    const error = this.#fail(reason);
    void this.#end(reason);
    if (opened !== undefined) opened.reject(error);
    else void this.#timers.sleep(FAREWELL_MS).then(() => this.#options.onLost?.(error));
  }

  async #end(reason: string): Promise<void> {
    this.#watchdog.stop();
    await this.#worker.terminate();
    if (this.#waiting.size > 0) this.#fail(reason);
  }

  /** Nobody waits any longer. */
  #fail(reason: string): DatabaseLostError {
    const error = new DatabaseLostError(this.#options.dataDir, reason);
    this.#lost = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    return error;
  }
}
