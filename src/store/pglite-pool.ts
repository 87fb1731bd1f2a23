/**
 * A `pg.Pool`-shaped door to one PGlite, so that Kysely and BullMQ use the embedded database exactly as they
 * use PostgreSQL.
 *
 * PGlite is one session. Statements therefore queue up for it, and a client that has begun a transaction keeps
 * it until it commits or rolls back.
 */
import { EventEmitter } from 'node:events';
import type { PGlite, Results } from '@electric-sql/pglite';
import type { PostgresCursor } from 'kysely';
import { type Command, commandOf } from './commands.js';

/** What both `pg` and this pool answer. */
export interface QueryResult<R> {
  command: Command;
  rowCount: number;
  rows: R[];
}

/** The same text form as `pg` gives for int8 and numeric, and plain `YYYY-MM-DD` for dates (see `database.ts`). */
const asText = (value: string): string => value;
const parsers = { 20: asText, 1082: asText, 1700: asText };

const BEGIN = /^(begin|start\s+transaction)\b/i;
const END = /^(commit|rollback(?!\s+to\b)|end|abort)\b/i;
const COMMENTS = /^(\s+|--[^\n]*\n|\/\*[\s\S]*?\*\/)+/;
/** BullMQ puts comments before its LISTEN, so it is looked for anywhere in a statement's text. */
const LISTEN = /(?:^|\n|;|\*\/)\s*(un)?listen\s+"?(\w+)"?/i;

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

function toResult<R>(text: string, result: Results<R> | undefined): QueryResult<R> {
  const verb = /^\w+/.exec(text)?.[0].toUpperCase();
  const rows = result?.rows ?? [];
  return {
    command: commandOf(verb),
    rowCount: rows.length > 0 ? rows.length : (result?.affectedRows ?? 0),
    rows,
  };
}

export class PgliteClient extends EventEmitter {
  readonly #db: PGlite;
  readonly #session: Session;
  readonly #listening = new Map<string, () => Promise<void>>();
  #inTransaction = false;
  #released = false;
  /** What was asked last: the next is not begun before it has ended. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(db: PGlite, session: Session) {
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
    const answer = this.#last.then(() => this.#query<R>(query.replace(COMMENTS, ''), [...values]));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #query<R>(text: string, params: unknown[]): Promise<QueryResult<R>> {
    if (!this.#inTransaction) {
      // One of its own statements has ended it already.
      if (END.test(text)) return toResult<R>(text, undefined);
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
    const listen = params.length === 0 ? LISTEN.exec(text) : null;
    if (listen?.[2] !== undefined) {
      await this.#listen(listen[2], listen[1] !== undefined);
      return toResult<R>(text, undefined);
    }
    if (params.length > 0) return toResult(text, await this.#db.query<R>(text, params, { parsers }));
    // Without parameters a text may hold several statements, which only the simple protocol takes.
    const results = await this.#db.exec(text, { parsers });
    return toResult<R>(text, results.at(-1) as Results<R> | undefined);
  }

  async #listen(channel: string, stop: boolean): Promise<void> {
    const unlisten = this.#listening.get(channel);
    if (stop) {
      this.#listening.delete(channel);
      await unlisten?.();
    } else if (unlisten === undefined) {
      this.#listening.set(
        channel,
        await this.#db.listen(channel, (payload) => this.emit('notification', { channel, payload })),
      );
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
    for (const unlisten of this.#listening.values()) await unlisten().catch(() => undefined);
    this.#listening.clear();
    this.removeAllListeners();
  }
}

export class PglitePool extends EventEmitter {
  /** `pg.Pool` has it, and BullMQ reads `keepAlive` to learn whether a lost LISTEN would be noticed. */
  readonly options = { keepAlive: true };
  readonly #db: PGlite;
  readonly #session = new Session();

  constructor(db: PGlite) {
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

  /** Waits for the running statement or transaction, then closes the database. Whoever comes later is refused. */
  async end(): Promise<void> {
    await this.#session.acquire();
    try {
      if (!this.#db.closed) await this.#db.close();
    } finally {
      this.#session.release();
    }
  }
}
