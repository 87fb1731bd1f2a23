/**
 * A limit for every statement that PostgreSQL is asked. A server that is frozen, and a failover that left connections without
 * one, close nothing: their clients would wait without end. A connection that brings no answer in time is destroyed,
 * with all that was asked on it. One that only listens is asked now and then.
 */
import type pg from 'pg';
import { systemTimers, within } from '../lib/timers.js';

/** A process that was kept from its work reads what has come meanwhile before it gives anything up. */
const GRACE_MS = 500;
/** BullMQ puts comments before its LISTEN, so it is looked for anywhere in a statement's text. */
const LISTEN = /(?:^|\n|;|\*\/)\s*listen\b/i;

export class StatementTimeout {
  #ms: number;
  readonly #watched = new Map<pg.PoolClient, Watch>();
  #allRemoved: () => void = () => undefined;

  /** @param ms until it is changed */
  constructor(pool: pg.Pool, ms: number) {
    this.#ms = ms;
    pool.on('connect', (client) => this.#watched.set(client, new Watch(client, () => this.#ms)));
    pool.on('release', (_error, client) => this.#watched.get(client)?.released());
    pool.on('remove', (client) => {
      this.#watched.get(client)?.end();
      this.#watched.delete(client);
      if (this.#watched.size === 0) this.#allRemoved();
    });
  }

  /** @param ms of statements that are asked from now on */
  setLimit(ms: number): void {
    this.#ms = ms;
  }

  /** Resolves when the connections of a pool that is being ended are closed, and destroys those that are not after so long. */
  async close(ms: number): Promise<void> {
    const removed = new Promise<void>((resolve) => {
      this.#allRemoved = resolve;
      if (this.#watched.size === 0) resolve();
    });
    await within(systemTimers, ms, removed);
    for (const watch of this.#watched.values()) watch.destroy(ms);
  }
}

/** What one connection was asked and has not answered. */
class Watch {
  readonly #client: pg.PoolClient;
  readonly #limitMs: () => number;
  readonly #query: pg.PoolClient['query'];
  readonly #answered = (): void => this.#onAnswer();
  #pending = 0;
  #timer: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(client: pg.PoolClient, limitMs: () => number) {
    this.#client = client;
    this.#limitMs = limitMs;
    this.#query = client.query;
    const query = client.query.bind(client) as (...asked: unknown[]) => unknown;
    client.query = ((...asked: unknown[]) => {
      this.#onQuestion(asked[0]);
      return query(...asked);
    }) as typeof client.query;
    client.connection.on('readyForQuery', this.#answered);
  }

  destroy(ms: number): void {
    const error = new Error(`PostgreSQL did not answer within ${ms / 1_000} s`);
    this.#client.connection.stream.destroy(Object.assign(error, { code: 'ETIMEDOUT' }));
  }

  /** Nobody listens on it any more. */
  released(): void {
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
  }

  end(): void {
    this.#disarm();
    this.released();
    this.#client.query = this.#query;
    this.#client.connection.off('readyForQuery', this.#answered);
  }

  #onQuestion(statement: unknown): void {
    this.#pending += 1;
    if (this.#timer === undefined) this.#arm();
    if (this.#heartbeat === undefined && LISTEN.test(textOf(statement))) this.#listens();
  }

  /** Each statement is answered by one. */
  #onAnswer(): void {
    this.#pending = Math.max(0, this.#pending - 1);
    this.#disarm();
    if (this.#pending > 0) this.#arm();
  }

  #arm(): void {
    const ms = this.#limitMs();
    this.#timer = setTimeout(() => {
      this.#timer = setTimeout(() => this.destroy(ms), GRACE_MS).unref();
    }, ms).unref();
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #listens(): void {
    this.#heartbeat = setInterval(() => {
      // Whoever listens is told by the connection itself.
      if (this.#pending === 0) this.#client.query('SELECT 1').catch(() => undefined);
    }, this.#limitMs()).unref();
  }
}

function textOf(statement: unknown): string {
  if (typeof statement === 'string') return statement;
  const { text } = statement as { readonly text?: unknown };
  return typeof text === 'string' ? text : '';
}
