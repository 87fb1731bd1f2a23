/**
 * The door through which Kysely asks PostgreSQL. What is asked again and again is prepared, so that the server reads and
 * plans it once for each connection: for a short statement that is most of the work. And a way to the server and back is
 * spared where nobody waits for the answer: a transaction begins together with its first statement.
 */
import { createHash } from 'node:crypto';
import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import type pg from 'pg';
import { toCommand } from './commands.js';

/** Asked so often by this process, a statement is worth keeping on each connection that asks it. */
const OFTEN = 20;
/** Different statements, at most: each connection may keep a plan of each. */
const MOST = 200;
/** Different statements that are counted, at most: lists make many that are alike. */
const MAX_COUNTED = 5_000;
/** Its columns are those that a table has now: prepared, it would fail once a newer version has added another. */
const ALL_COLUMNS = /^\s*select\s+(distinct\s+)?(\S+\.)?\*|\breturning\s+(\S+\.)?\*/i;

/** Names of statements: a statement has the same one on all connections, whoever opened them. */
class Prepared {
  readonly #names = new Map<string, string>();
  readonly #asked = new Map<string, number>();

  /** Absent where it is not to be prepared. */
  nameOf(text: string): string | undefined {
    const known = this.#names.get(text);
    if (known !== undefined || this.#names.size === MOST) return known;
    const asked = (this.#asked.get(text) ?? 0) + 1;
    if (asked < OFTEN || ALL_COLUMNS.test(text)) {
      if (this.#asked.size === MAX_COUNTED) this.#asked.clear();
      this.#asked.set(text, asked);
      return undefined;
    }
    this.#asked.delete(text);
    const name = `slotkeeper_${createHash('sha1').update(text).digest('base64url')}`;
    this.#names.set(text, name);
    return name;
  }
}

const BEGIN = /^(begin|start\s+transaction)\b/i;
const END = /^(commit|rollback(?!\s+to\b))\b/i;
const NOTHING = { command: 'SELECT', rowCount: 0, rows: [] } as const;

class PreparingClient implements PostgresPoolClient {
  readonly #client: pg.PoolClient;
  readonly #prepared: Prepared;
  #isInTransaction = false;
  /** What begins a transaction and was not sent yet: it goes with the first statement. */
  #begin: string | undefined;

  constructor(client: pg.PoolClient, prepared: Prepared) {
    this.#client = client;
    this.#prepared = prepared;
  }

  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  query<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query<R>(
    text: string | PostgresCursor<R>,
    values: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<R>> | PostgresCursor<R> {
    if (typeof text !== 'string') throw new TypeError('nothing is read with a cursor');
    return this.#query(text, [...values]);
  }

  async #query<R>(text: string, values: unknown[]): Promise<PostgresQueryResult<R>> {
    if (BEGIN.test(text)) {
      this.#begin = text;
      return { ...NOTHING, rows: [] };
    }
    const begin = this.#begin;
    this.#begin = undefined;
    if (END.test(text)) {
      // There was no statement in it, or one of its own has ended it (pipeline.ts).
      if (!this.#isInTransaction) return { ...NOTHING, rows: [] };
      this.#isInTransaction = false;
    } else if (begin !== undefined) {
      this.#isInTransaction = true;
    }
    this.#gather();
    const begun = begin === undefined ? undefined : this.#client.query(begin);
    const [answer] = await Promise.all([this.#ask<R>(text, values), begun]);
    return answer;
  }

  /** What is asked in the same turn leaves in one piece. */
  #gather(): void {
    const { stream } = this.#client.connection;
    stream.cork();
    process.nextTick(() => stream.uncork());
  }

  async #ask<R>(text: string, values: unknown[]): Promise<PostgresQueryResult<R>> {
    const name = values.length === 0 ? undefined : this.#prepared.nameOf(text);
    const asked = { text, values, ...(name === undefined ? {} : { name }) };
    const { command, rowCount, rows } = await this.#client.query<never>(asked);
    return { command: toCommand(command), rowCount: rowCount ?? 0, rows };
  }

  release(): void {
    this.#begin = undefined;
    this.#client.release();
  }
}

export function withPreparedStatements(pool: pg.Pool): PostgresPool {
  const prepared = new Prepared();
  const clients = new WeakMap<pg.PoolClient, PreparingClient>();
  return {
    connect: async () => {
      const client = await pool.connect();
      const known = clients.get(client) ?? new PreparingClient(client, prepared);
      clients.set(client, known);
      return known;
    },
    end: () => pool.end(),
  };
}
