/**
 * A limit for every statement that PostgreSQL is asked. A server that is frozen, and a failover that left connections without
 * one, close nothing: their clients would wait without end. A connection that brings no answer in time is destroyed,
 * with all that was asked on it, and so are those that nobody uses just then. One that only listens is asked now and then.
 */
import type pg from 'pg';
import { systemTimers, within } from '../lib/timers.js';

/** A process that was kept from its work reads what has come meanwhile before it gives anything up. */
const GRACE_MS = 500;
/** BullMQ puts comments before its LISTEN, so it is looked for anywhere in a statement's text. */
const LISTEN = /(?:^|\n|;|\*\/)\s*listen\b/i;

export class StatementLimit {
  #ms: number;
  readonly #watched = new Map<pg.PoolClient, Watch>();
  readonly #inUse = new Set<pg.PoolClient>();
  #allRemoved: () => void = () => undefined;

  /** @param ms until it is changed */
  constructor(pool: pg.Pool, ms: number) {
    this.#ms = ms;
    pool.on('connect', (client) => this.#watched.set(client, watch(client, this)));
    pool.on('acquire', (client) => this.#inUse.add(client));
    pool.on('release', (_error, client) => {
      this.#inUse.delete(client);
      this.#watched.get(client)?.released();
    });
    pool.on('remove', (client) => {
      this.#inUse.delete(client);
      this.#watched.delete(client);
      if (this.#watched.size === 0) this.#allRemoved();
    });
  }

  /** In milliseconds. */
  get ms(): number {
    return this.#ms;
  }

  change(ms: number): void {
    this.#ms = ms;
  }

  /** One brought no answer: those that nobody uses are made anew before they are needed. */
  destroyIdle(): void {
    this.#destroy([...this.#watched.keys()].filter((client) => !this.#inUse.has(client)));
  }

  /** Resolves when the connections of a pool that is being ended are closed, and destroys those that are not after so long. */
  async close(ms: number): Promise<void> {
    const removed = new Promise<void>((resolve) => {
      this.#allRemoved = resolve;
      if (this.#watched.size === 0) resolve();
    });
    await within(systemTimers, ms, removed);
    this.#destroy([...this.#watched.keys()]);
  }

  #destroy(clients: readonly pg.PoolClient[]): void {
    for (const client of clients) client.connection.stream.destroy(noAnswer(this.#ms));
  }
}

const noAnswer = (ms: number): Error =>
  Object.assign(new Error(`PostgreSQL did not answer within ${ms / 1_000} s`), { code: 'ETIMEDOUT' });

/** What one connection was asked and has not answered. */
class Watch {
  limit: StatementLimit;
  readonly #client: pg.PoolClient;
  #pending = 0;
  #timer: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(client: pg.PoolClient, limit: StatementLimit) {
    this.limit = limit;
    this.#client = client;
  }

  asked(statement: unknown): void {
    this.#pending += 1;
    if (this.#timer === undefined) this.#arm();
    if (this.#heartbeat === undefined && LISTEN.test(textOf(statement))) this.#listens();
  }

  /** Each statement is answered by one. */
  answered(): void {
    this.#pending = Math.max(0, this.#pending - 1);
    this.#disarm();
    if (this.#pending > 0) this.#arm();
  }

  released(): void {
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
  }

  ended(): void {
    this.#pending = 0;
    this.#disarm();
    this.released();
  }

  #arm(): void {
    const { ms } = this.limit;
    this.#timer = setTimeout(() => {
      this.#timer = setTimeout(() => this.#giveUp(ms), GRACE_MS).unref();
    }, ms).unref();
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #giveUp(ms: number): void {
    this.#client.connection.stream.destroy(noAnswer(ms));
    this.limit.destroyIdle();
  }

  #listens(): void {
    this.#heartbeat = setInterval(() => {
      // Whoever listens is told by the connection itself.
      if (this.#pending === 0) this.#client.query('SELECT 1').catch(() => undefined);
    }, this.limit.ms).unref();
  }
}

function textOf(statement: unknown): string {
  if (typeof statement === 'string') return statement;
  const { text } = statement as { readonly text?: unknown };
  return typeof text === 'string' ? text : '';
}

const watches = new WeakMap<pg.PoolClient, Watch>();

function watch(client: pg.PoolClient, limit: StatementLimit): Watch {
  const known = watches.get(client);
  if (known !== undefined) {
    known.limit = limit;
    return known;
  }
  const made = new Watch(client, limit);
  watches.set(client, made);
  const query = client.query.bind(client) as (...asked: unknown[]) => unknown;
  client.query = ((...asked: unknown[]) => {
    made.asked(asked[0]);
    return query(...asked);
  }) as typeof client.query;
  client.connection.on('readyForQuery', () => made.answered());
  client.connection.stream.once('close', () => made.ended());
  return made;
}
