/**
 * The embedded database in a thread of its own. Statements are sent as messages. A watchdog detects a thread that makes no
 * progress; the thread is then terminated and every open request is rejected.
 */
import { Worker } from 'node:worker_threads';
import { MINUTE } from '../core/duration.js';
import { systemTimers, type Timers, withTimeout } from '../lib/timers.js';
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
  /** Called once when the open database is lost, shortly after the open requests were rejected. */
  readonly onLost?: (error: DatabaseLostError) => unknown;
  /** Default: real time. */
  readonly timers?: Timers;
}

interface PendingRequest {
  readonly resolve: (result: StatementResult<never>) => void;
  readonly reject: (error: Error) => void;
}

type Listener = (payload: string) => void;

const ENTRY = new URL('./pglite-worker.js', import.meta.url);
/** The limit during the start, because a migration may take minutes. */
const START_TIMEOUT_MS = 10 * MINUTE;
const STATEMENT_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 5_000;
/** The delay before `onLost`, in which the callers of rejected requests can answer their own callers. */
const ON_LOST_DELAY_MS = 500;

export class PgliteThread {
  readonly #options: ThreadOptions;
  readonly #timers: Timers;
  readonly #worker: Worker;
  readonly #watchdog: Watchdog;
  readonly #pending = new Map<number, PendingRequest>();
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #exited: Promise<void>;
  #opened: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #requestCount = 0;
  #isClosing = false;
  #lost: DatabaseLostError | undefined;

  /** @throws {DatabaseLostError} with the reason, where the database cannot be opened */
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
    this.#watchdog = new Watchdog(this.#timers, START_TIMEOUT_MS, (ms) =>
      this.#lose(`it made no progress for ${ms / 1_000} s`),
    );
    // The start counts as one request: it ends with the message `ready`.
    this.#watchdog.requestSent();
    this.#exited = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    this.#worker.on('message', (message: ThreadMessage) => this.#onMessage(message));
    this.#worker.on('error', (error: Error) => this.#lose(error.message));
    this.#worker.on('messageerror', (error: Error) => this.#lose(error.message));
    this.#worker.on('exit', () => this.#lose('its thread has ended'));
  }

  get isClosed(): boolean {
    return this.#isClosing || this.#lost !== undefined;
  }

  /** From now on the database is lost where a statement takes longer. @param ms default 10,000 */
  setStatementTimeout(ms = STATEMENT_TIMEOUT_MS): void {
    this.#watchdog.setLimit(ms);
  }

  /** @param params absent for a text that may contain several statements: the result is that of the last one */
  async query<R>(text: string, params?: readonly unknown[]): Promise<StatementResult<R>> {
    if (this.#lost !== undefined) throw this.#lost;
    if (this.#isClosing) throw new Error('PGlite is closed');
    this.#requestCount += 1;
    const id = this.#requestCount;
    const request: ThreadRequest = { kind: 'query', id, text, ...(params === undefined ? {} : { params }) };
    // A parameter that cannot be cloned throws here, before the request counts as sent.
    this.#worker.postMessage(request);
    this.#watchdog.requestSent();
    return await new Promise<StatementResult<R>>((resolve, reject) =>
      this.#pending.set(id, { resolve, reject }),
    );
  }

  /** Adds a listener; the caller itself sends LISTEN for the channel. @returns removes the listener */
  onNotification(channel: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(channel);
    };
  }

  hasListeners(channel: string): boolean {
    return this.#listeners.has(channel);
  }

  /** Closes the database after the open requests; ends within seconds, whether it answers or not. Idempotent. */
  async close(): Promise<void> {
    if (!this.isClosed) {
      this.#isClosing = true;
      this.#worker.postMessage({ kind: 'close' } satisfies ThreadRequest);
    }
    await withTimeout(this.#timers, CLOSE_TIMEOUT_MS, this.#exited);
    await this.#end('it was closed');
  }

  #onMessage(message: ThreadMessage): void {
    if (this.#lost !== undefined) return;
    switch (message.kind) {
      case 'ready':
        this.#watchdog.responseReceived();
        this.#opened?.resolve();
        this.#opened = undefined;
        return;
      case 'not-ready':
      case 'lost':
        this.#lose(message.reason);
        return;
      case 'notification':
        for (const listener of this.#listeners.get(message.channel) ?? []) listener(message.payload);
        return;
      case 'result':
        this.#takePending(message.id)?.resolve(message.result as StatementResult<never>);
        return;
      case 'error':
        this.#takePending(message.id)?.reject(deserializeError(message.error));
    }
  }

  #takePending(id: number): PendingRequest | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    this.#watchdog.responseReceived();
    return pending;
  }

  #lose(reason: string): void {
    if (this.isClosed) return;
    const opened = this.#opened;
    this.#opened = undefined;
    const error = this.#fail(reason);
    void this.#end(reason);
    if (opened !== undefined) opened.reject(error);
    else void this.#timers.sleep(ON_LOST_DELAY_MS).then(() => this.#options.onLost?.(error));
  }

  async #end(reason: string): Promise<void> {
    this.#watchdog.stop();
    await this.#worker.terminate();
    if (this.#pending.size > 0) this.#fail(reason);
  }

  /** Rejects all open requests. */
  #fail(reason: string): DatabaseLostError {
    const error = new DatabaseLostError(this.#options.dataDir, reason);
    this.#lost = error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    return error;
  }
}
