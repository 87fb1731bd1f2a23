/**
 * The pool that Kysely uses for PostgreSQL. Frequent statements are prepared, so that the server parses and plans them once per
 * connection: for a short statement that is most of the work. BEGIN is sent together with the first statement of its
 * transaction, which saves a round trip.
 */
import { createHash } from 'node:crypto';
import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import type pg from 'pg';
import { toCommand } from './commands.js';

/** A statement is prepared from its 20th execution in this process on. */
const PREPARE_FROM_EXECUTIONS = 20;
/** Limits the prepared statements, because each connection stores a plan of each. */
const MAX_PREPARED = 200;
/** Limits the statements whose executions are counted: lists of different lengths make many different texts. */
const MAX_COUNTED = 5_000;
/** Statements with `*` are never prepared: they would fail once a newer version has added a column. */
const ALL_COLUMNS = /^\s*select\s+(distinct\s+)?(\S+\.)?\*|\breturning\s+(\S+\.)?\*/i;

/** Names of prepared statements. A statement has the same name on all connections. */
class StatementNames {
  readonly #names = new Map<string, string>();
  readonly #executions = new Map<string, number>();

  /** @returns undefined where the statement is not to be prepared */
  recordExecution(text: string): string | undefined {
    const known = this.#names.get(text);
    if (known !== undefined || this.#names.size === MAX_PREPARED) return known;
    const executions = (this.#executions.get(text) ?? 0) + 1;
    if (executions < PREPARE_FROM_EXECUTIONS || ALL_COLUMNS.test(text)) {
      if (this.#executions.size === MAX_COUNTED) this.#executions.clear();
      this.#executions.set(text, executions);
      return undefined;
    }
    this.#executions.delete(text);
    const name = `slotkeeper_${createHash('sha1').update(text).digest('base64url')}`;
    this.#names.set(text, name);
    return name;
  }
}

const BEGIN = /^(begin|start\s+transaction)\b/i;
const END = /^(commit|rollback(?!\s+to\b))\b/i;
const EMPTY = { command: 'SELECT', rowCount: 0, rows: [] } as const;

class PreparingClient implements PostgresPoolClient {
  readonly #client: pg.PoolClient;
  readonly #names: StatementNames;
  #isInTransaction = false;
  /** A BEGIN that is not sent yet: it is sent with the first statement. */
  #begin: string | undefined;

  constructor(client: pg.PoolClient, names: StatementNames) {
    this.#client = client;
    this.#names = names;
  }

  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  query<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query<R>(
    text: string | PostgresCursor<R>,
    values: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<R>> | PostgresCursor<R> {
    if (typeof text !== 'string') throw new TypeError('cursors are not supported');
    return this.#query(text, [...values]);
  }

  async #query<R>(text: string, values: unknown[]): Promise<PostgresQueryResult<R>> {
    if (BEGIN.test(text)) {
      this.#begin = text;
      return { ...EMPTY, rows: [] };
    }
    const begin = this.#begin;
    this.#begin = undefined;
    if (END.test(text)) {
      // The transaction had no statement, or a pipelined COMMIT has ended it (pipeline.ts).
      if (!this.#isInTransaction) return { ...EMPTY, rows: [] };
      this.#isInTransaction = false;
    } else if (begin !== undefined) {
      this.#isInTransaction = true;
    }
    this.#corkStream();
    const begun = begin === undefined ? undefined : this.#client.query(begin);
    const [result] = await Promise.all([this.#execute<R>(text, values), begun]);
    return result;
  }

  /** Statements of the same tick leave in one packet. */
  #corkStream(): void {
    const { stream } = this.#client.connection;
    stream.cork();
    process.nextTick(() => stream.uncork());
  }

  async #execute<R>(text: string, values: unknown[]): Promise<PostgresQueryResult<R>> {
    const name = values.length === 0 ? undefined : this.#names.recordExecution(text);
    const query = { text, values, ...(name === undefined ? {} : { name }) };
    const { command, rowCount, rows } = await this.#client.query<never>(query);
    return { command: toCommand(command), rowCount: rowCount ?? 0, rows };
  }

  release(): void {
    this.#begin = undefined;
    this.#client.release();
  }
}

export function withPreparedStatements(pool: pg.Pool): PostgresPool {
  const names = new StatementNames();
  const clients = new WeakMap<pg.PoolClient, PreparingClient>();
  return {
    connect: async () => {
      const client = await pool.connect();
      const known = clients.get(client) ?? new PreparingClient(client, names);
      clients.set(client, known);
      return known;
    },
    end: () => pool.end(),
  };
}
