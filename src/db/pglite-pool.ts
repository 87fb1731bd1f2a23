/**
 * A pool with the interface of `pg.Pool` for one PGlite in its thread, so that Kysely and BullMQ use the embedded database
 * exactly as they use PostgreSQL.
 *
 * PGlite is one session. Statements therefore wait in a queue, and a client that has begun a transaction holds the session
 * until it commits or rolls back.
 */
import { EventEmitter } from 'node:events';
import type { PostgresCursor } from 'kysely';
import { systemTimers, withTimeout } from '../lib/timers.js';
import { type Command, toCommand } from './commands.js';
import type { StatementResult } from './pglite-messages.js';
import type { PgliteThread } from './pglite-thread.js';

/** The result type that `pg` and this pool share. */
export interface QueryResult<R> {
  command: Command;
  rowCount: number;
  rows: R[];
}

/** How long `end()` waits for the active transaction. */
const END_TIMEOUT_MS = 5_000;
const BEGIN = /^(begin|start\s+transaction)\b/i;
const END = /^(commit|rollback(?!\s+to\b)|end|abort)\b/i;
const COMMENTS = /^(\s+|--[^\n]*\n|\/\*[\s\S]*?\*\/)+/;
/** BullMQ puts comments before its LISTEN, so the pattern matches anywhere in a statement's text. */
const LISTEN = /(?:^|\n|;|\*\/)\s*(un)?listen\s+("?)(\w+)\2/i;

/** A mutex around the one session: only its holder executes statements. */
class Session {
  readonly #waiters: (() => void)[] = [];
  #isHeld = false;

  async acquire(): Promise<void> {
    if (this.#isHeld) await new Promise<void>((resolve) => this.#waiters.push(resolve));
    this.#isHeld = true;
  }

  release(): void {
    const next = this.#waiters.shift();
    if (next === undefined) this.#isHeld = false;
    else next();
  }
}

const EMPTY = { rows: [], affectedRows: 0 } as const;

function toResult<R>(text: string, { rows, affectedRows }: StatementResult<R>): QueryResult<R> {
  const verb = /^\w+/.exec(text)?.[0].toUpperCase();
  return { command: toCommand(verb), rowCount: rows.length > 0 ? rows.length : affectedRows, rows };
}

export class PgliteClient extends EventEmitter {
  readonly #db: PgliteThread;
  readonly #session: Session;
  /** The function that removes the listener, by channel. */
  readonly #unsubscribers = new Map<string, () => void>();
  #isInTransaction = false;
  #isReleased = false;
  /** The statements so far: outside a transaction the next one begins only after they have ended. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(db: PgliteThread, session: Session) {
    super();
    this.#db = db;
    this.#session = session;
  }

  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  query<R>(text: string, values?: readonly unknown[]): Promise<QueryResult<R>>;
  query<R>(
    query: string | PostgresCursor<R>,
    values: readonly unknown[] = [],
  ): Promise<QueryResult<R>> | PostgresCursor<R> {
    if (typeof query !== 'string') throw new TypeError('the embedded database has no cursors');
    const run = () => this.#query<R>(query.replace(COMMENTS, ''), [...values]);
    // Within a transaction the thread keeps the order, so pipelined statements (pipeline.ts) do not wait for results here.
    const result = this.#isInTransaction ? run() : this.#last.then(run);
    this.#last = Promise.allSettled([this.#last, result]);
    return result;
  }

  async #query<R>(text: string, params: unknown[]): Promise<QueryResult<R>> {
    if (!this.#isInTransaction) {
      // A pipelined COMMIT has ended the transaction already.
      if (END.test(text)) return toResult<R>(text, { ...EMPTY, rows: [] });
      await this.#session.acquire();
    }
    try {
      if (BEGIN.test(text)) this.#isInTransaction = true;
      return await this.#execute<R>(text, params);
    } finally {
      // A COMMIT that fails has rolled back, so the transaction has ended in both cases.
      if (END.test(text)) this.#isInTransaction = false;
      if (!this.#isInTransaction) this.#session.release();
    }
  }

  async #execute<R>(text: string, params: unknown[]): Promise<QueryResult<R>> {
    const [, unlisten, quote, name] = (params.length === 0 ? LISTEN.exec(text) : null) ?? [];
    if (name !== undefined) {
      await this.#listen(quote === '' ? name.toLowerCase() : name, unlisten !== undefined);
      return toResult<R>(text, { ...EMPTY, rows: [] });
    }
    // Without parameters a text may contain several statements, which only the simple protocol accepts.
    return toResult(text, await this.#db.query<R>(text, params.length > 0 ? params : undefined));
  }

  /** The session listens to a channel for as long as any client does. */
  async #listen(channel: string, isUnlisten: boolean): Promise<void> {
    const unsubscribe = this.#unsubscribers.get(channel);
    if (isUnlisten) {
      this.#unsubscribers.delete(channel);
      unsubscribe?.();
      if (unsubscribe !== undefined && !this.#db.hasListeners(channel))
        await this.#db.query(`UNLISTEN "${channel}"`);
    } else if (unsubscribe === undefined) {
      const listener = (payload: string): boolean => this.emit('notification', { channel, payload });
      this.#unsubscribers.set(channel, this.#db.onNotification(channel, listener));
      await this.#db.query(`LISTEN "${channel}"`);
    }
  }

  /** Releases the client. A transaction that was left open is rolled back, as when a connection closes. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    void this.#close();
  }

  async #close(): Promise<void> {
    if (this.#isInTransaction) await this.query('ROLLBACK').catch(() => undefined);
    for (const channel of [...this.#unsubscribers.keys()]) {
      await this.query(`UNLISTEN "${channel}"`).catch(() => undefined);
    }
    this.removeAllListeners();
  }
}

export class PglitePool extends EventEmitter {
  /** `pg.Pool` has this property; BullMQ reads `keepAlive` to decide whether a lost LISTEN would be noticed. */
  readonly options = { keepAlive: true };
  readonly #db: PgliteThread;
  readonly #session = new Session();

  constructor(db: PgliteThread) {
    super();
    this.#db = db;
  }

  connect(): Promise<PgliteClient> {
    return Promise.resolve(new PgliteClient(this.#db, this.#session));
  }

  async query<R>(text: string, values?: readonly unknown[]): Promise<QueryResult<R>> {
    const client = await this.connect();
    try {
      return await client.query<R>(text, values);
    } finally {
      client.release();
    }
  }

  /** Waits at most 5 s for the running statement or transaction, then closes the database. Later statements are refused. */
  async end(): Promise<void> {
    const acquired = this.#session.acquire();
    await withTimeout(systemTimers, END_TIMEOUT_MS, acquired);
    try {
      await this.#db.close();
    } finally {
      void acquired.then(() => this.#session.release());
    }
  }
}
