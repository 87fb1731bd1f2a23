/**
 * A `pg.Pool`-shaped door to one PGlite in its thread, so that Kysely and BullMQ use the embedded database exactly as they
 * use PostgreSQL.
 *
 * PGlite is one session. Statements therefore queue up for it, and a client that has begun a transaction keeps
 * it until it commits or rolls back.
 */
import { EventEmitter } from 'node:events';
import type { PostgresCursor } from 'kysely';
import { systemTimers, within } from '../lib/timers.js';
import { type Command, toCommand } from './commands.js';
import type { StatementResult } from './pglite-messages.js';
import type { PgliteThread } from './pglite-thread.js';

/** What both `pg` and this pool answer. */
export interface QueryResult<R> {
  command: Command;
  rowCount: number;
  rows: R[];
}

/** How long the transaction in hand may take at the end. */
const END_MS = 5_000;
const BEGIN = /^(begin|start\s+transaction)\b/i;
const END = /^(commit|rollback(?!\s+to\b)|end|abort)\b/i;
const COMMENTS = /^(\s+|--[^\n]*\n|\/\*[\s\S]*?\*\/)+/;
/** BullMQ puts comments before its LISTEN, so it is looked for anywhere in a statement's text. */
const LISTEN = /(?:^|\n|;|\*\/)\s*(un)?listen\s+("?)(\w+)\2/i;

/** One session shared by many: whoever holds it runs alone. */
class Session {
  readonly #waiting: (() => void)[] = [];
  #held = false;

  async acquire(): Promise<void> {
    if (this.#held) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#held = true;
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#held = false;
    else next();
  }
}

const NOTHING = { rows: [], affectedRows: 0 } as const;

function toResult<R>(text: string, { rows, affectedRows }: StatementResult<R>): QueryResult<R> {
  const verb = /^\w+/.exec(text)?.[0].toUpperCase();
  return { command: toCommand(verb), rowCount: rows.length > 0 ? rows.length : affectedRows, rows };
}

export class PgliteClient extends EventEmitter {
  readonly #db: PgliteThread;
  readonly #session: Session;
  /** What ends hearing of a channel. */
  readonly #listening = new Map<string, () => void>();
  #inTransaction = false;
  #released = false;
  /** What was asked so far: outside a transaction the next is not begun before it has ended. */
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
    const ask = () => this.#query<R>(query.replace(COMMENTS, ''), [...values]);
    // Within a transaction the thread has the order: what is asked at once (pipeline.ts) waits for no answer here.
    const answer = this.#inTransaction ? ask() : this.#last.then(ask);
    this.#last = Promise.allSettled([this.#last, answer]);
    return answer;
  }

  async #query<R>(text: string, params: unknown[]): Promise<QueryResult<R>> {
    if (!this.#inTransaction) {
      // One of its own statements has ended it already.
      if (END.test(text)) return toResult<R>(text, { ...NOTHING, rows: [] });
      await this.#session.acquire();
    }
    try {
      if (BEGIN.test(text)) this.#inTransaction = true;
      return await this.#run<R>(text, params);
    } finally {
      // A COMMIT that fails has rolled back: the transaction is over either way.
      if (END.test(text)) this.#inTransaction = false;
      if (!this.#inTransaction) this.#session.release();
    }
  }

  async #run<R>(text: string, params: unknown[]): Promise<QueryResult<R>> {
    const [, not, quote, name] = (params.length === 0 ? LISTEN.exec(text) : null) ?? [];
    if (name !== undefined) {
      await this.#listen(quote === '' ? name.toLowerCase() : name, not !== undefined);
      return toResult<R>(text, { ...NOTHING, rows: [] });
    }
    // Without parameters a text may hold several statements, which only the simple protocol takes.
    return toResult(text, await this.#db.query<R>(text, params.length > 0 ? params : undefined));
  }

  /** The session listens to a channel for as long as any client does. */
  async #listen(channel: string, stop: boolean): Promise<void> {
    const unhear = this.#listening.get(channel);
    if (stop) {
      this.#listening.delete(channel);
      unhear?.();
      if (unhear !== undefined && !this.#db.hasListeners(channel))
        await this.#db.query(`UNLISTEN "${channel}"`);
    } else if (unhear === undefined) {
      const heard = (payload: string): boolean => this.emit('notification', { channel, payload });
      this.#listening.set(channel, this.#db.onNotification(channel, heard));
      await this.#db.query(`LISTEN "${channel}"`);
    }
  }

  /** Gives the client back. A transaction that was left open is rolled back, as a closed connection would. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    void this.#close();
  }

  async #close(): Promise<void> {
    if (this.#inTransaction) await this.query('ROLLBACK').catch(() => undefined);
    for (const channel of [...this.#listening.keys()]) {
      await this.query(`UNLISTEN "${channel}"`).catch(() => undefined);
    }
    this.removeAllListeners();
  }
}

export class PglitePool extends EventEmitter {
  /** `pg.Pool` has it, and BullMQ reads `keepAlive` to learn whether a lost LISTEN would be noticed. */
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

  /**
   * Waits for the running statement or transaction, but not for long, then closes the database. Whoever comes later is
   * refused.
   */
  async end(): Promise<void> {
    const turn = this.#session.acquire();
    await within(systemTimers, END_MS, turn);
    try {
      await this.#db.close();
    } finally {
      void turn.then(() => this.#session.release());
    }
  }
}
