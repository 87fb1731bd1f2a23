/**
 * A client-side time limit for every statement on PostgreSQL. A frozen server, or a failover, leaves connections open that
 * never answer, so their clients would wait without end. A connection that does not answer in time is destroyed with all its
 * open statements. A connection that only listens gets a heartbeat statement.
 */
import type pg from 'pg';
import { systemTimers, withTimeout } from '../lib/timers.js';

/** A process whose event loop was blocked reads the answers that arrived meanwhile before it destroys a connection. */
const GRACE_MS = 500;
/** BullMQ puts comments before its LISTEN, so the pattern matches anywhere in a statement's text. */
const LISTEN = /(?:^|\n|;|\*\/)\s*listen\b/i;

export class StatementTimeout {
  #limitMs: number;
  readonly #watched = new Map<pg.PoolClient, ConnectionWatch>();
  #allRemoved: () => void = () => undefined;

  /** @param limitMs valid until `setLimit` */
  constructor(pool: pg.Pool, limitMs: number) {
    this.#limitMs = limitMs;
    pool.on('connect', (client) =>
      this.#watched.set(client, new ConnectionWatch(client, () => this.#limitMs)),
    );
    pool.on('release', (_error, client) => this.#watched.get(client)?.stopHeartbeat());
    pool.on('remove', (client) => {
      this.#watched.get(client)?.end();
      this.#watched.delete(client);
      if (this.#watched.size === 0) this.#allRemoved();
    });
  }

  /** The limit of statements that are sent from now on. */
  setLimit(limitMs: number): void {
    this.#limitMs = limitMs;
  }

  /** Resolves when the connections of an ending pool are closed. Connections that are open after the timeout are destroyed. */
  async close(timeoutMs: number): Promise<void> {
    const removed = new Promise<void>((resolve) => {
      this.#allRemoved = resolve;
      if (this.#watched.size === 0) resolve();
    });
    await withTimeout(systemTimers, timeoutMs, removed);
    for (const watch of this.#watched.values()) watch.destroy(timeoutMs);
  }
}

/** The statements of one connection that are not answered yet. */
class ConnectionWatch {
  readonly #client: pg.PoolClient;
  readonly #limitMs: () => number;
  readonly #query: pg.PoolClient['query'];
  readonly #onReady = (): void => this.#onAnswer();
  #pending = 0;
  #timer: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(client: pg.PoolClient, limitMs: () => number) {
    this.#client = client;
    this.#limitMs = limitMs;
    this.#query = client.query;
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = ((...args: unknown[]) => {
      this.#onStatement(args[0]);
      return query(...args);
    }) as typeof client.query;
    client.connection.on('readyForQuery', this.#onReady);
  }

  destroy(ms: number): void {
    const error = new Error(`PostgreSQL did not answer within ${ms / 1_000} s`);
    this.#client.connection.stream.destroy(Object.assign(error, { code: 'ETIMEDOUT' }));
  }

  stopHeartbeat(): void {
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
  }

  end(): void {
    this.#disarm();
    this.stopHeartbeat();
    this.#client.query = this.#query;
    this.#client.connection.off('readyForQuery', this.#onReady);
  }

  #onStatement(statement: unknown): void {
    this.#pending += 1;
    if (this.#timer === undefined) this.#arm();
    if (this.#heartbeat === undefined && LISTEN.test(textOf(statement))) this.#startHeartbeat();
  }

  /** Called once per statement, because each is answered by one `readyForQuery`. */
  #onAnswer(): void {
    this.#pending = Math.max(0, this.#pending - 1);
    this.#disarm();
    if (this.#pending > 0) this.#arm();
  }

  #arm(): void {
    const limitMs = this.#limitMs();
    this.#timer = setTimeout(() => {
      this.#timer = setTimeout(() => this.destroy(limitMs), GRACE_MS).unref();
    }, limitMs).unref();
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #startHeartbeat(): void {
    this.#heartbeat = setInterval(() => {
      // A failure closes the connection, whose `error` event notifies the listener.
      if (this.#pending === 0) this.#client.query('SELECT 1').catch(() => undefined);
    }, this.#limitMs()).unref();
  }
}

function textOf(statement: unknown): string {
  if (typeof statement === 'string') return statement;
  const { text } = statement as { readonly text?: unknown };
  return typeof text === 'string' ? text : '';
}
