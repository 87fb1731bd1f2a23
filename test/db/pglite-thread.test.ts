import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { isUnavailable } from '../../src/db/is-unavailable.js';
import { PglitePool } from '../../src/db/pglite-pool.js';
import { PgliteThread, type ThreadOptions } from '../../src/db/pglite-thread.js';
import { ServiceUnavailableError } from '../../src/db/service-unavailable-error.js';
import { ManualTimers } from '../support/manual-timers.js';
import { atEndOfTest } from '../support/release.js';
import { embeddedFolder } from './databases.js';

/** A statement that occupies PostgreSQL for hours, like one that spins. */
const SPINNING = 'SELECT count(*) FROM generate_series(1, 1000000000000)';

async function openThread(options: Partial<ThreadOptions> = {}): Promise<PgliteThread> {
  const thread = await PgliteThread.open({ dataDir: join(await embeddedFolder(), 'pgdata'), ...options });
  atEndOfTest(() => thread.close());
  return thread;
}

const reasonOf = async (promise: Promise<unknown>): Promise<unknown> =>
  await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );

describe("the embedded database's thread", () => {
  test('accepts and returns bytes, instants, lists and JSON', async () => {
    const thread = await openThread();
    const at = new Date('2026-11-16T09:00:00.123Z');
    const { rows } = await thread.query(
      'SELECT $1::bytea AS bytes, $2::timestamptz AS at, $3::text[] AS list, $4::jsonb AS json, $5::int8 AS int8, $6::text AS nothing',
      [Buffer.from([0, 1, 255]), at, ['a', 'b,"c'], { a: [1, null] }, '9007199254740993', null],
    );
    expect(rows).toEqual([
      {
        bytes: new Uint8Array([0, 1, 255]),
        at,
        list: ['a', 'b,"c'],
        json: { a: [1, null] },
        int8: '9007199254740993',
        nothing: null,
      },
    ]);
  });

  test('returns the errors of PostgreSQL, without the parameters', async () => {
    const thread = await openThread();
    await thread.query('CREATE TABLE once (name text PRIMARY KEY)');
    await thread.query('INSERT INTO once VALUES ($1)', ['x']);
    const error = await reasonOf(thread.query('INSERT INTO once VALUES ($1)', ['x']));
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'error',
      message: 'duplicate key value violates unique constraint "once_pkey"',
      code: '23505',
      detail: 'Key (name)=(x) already exists.',
      table: 'once',
      constraint: 'once_pkey',
    });
    expect(error).not.toHaveProperty('params');
    expect(error).not.toHaveProperty('query');
  });

  test('refuses a parameter that cannot be cloned, and continues', async () => {
    const thread = await openThread();
    await expect(thread.query('SELECT $1', [() => {}])).rejects.toThrow(/could not be cloned/);
    expect((await thread.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
  });

  test('is terminated when it makes no progress: open requests fail as unavailable, then onLost is called', async () => {
    const timers = new ManualTimers();
    const lost: Error[] = [];
    const thread = await openThread({ timers, onLost: (error) => lost.push(error) });
    const pool = new PglitePool(thread);
    thread.setStatementTimeout();
    const client = await pool.connect();
    await client.query('BEGIN');
    const spinning = reasonOf(client.query(SPINNING));
    const behind = reasonOf(pool.query('SELECT 1'));
    await timers.advance(9_000);
    expect(thread.isClosed).toBe(false);
    await timers.advance(1_000);
    const first = await spinning;
    client.release();
    for (const error of [first, await behind, await reasonOf(pool.query('SELECT 1'))]) {
      expect(error).toBeInstanceOf(ServiceUnavailableError);
      expect(isUnavailable(error)).toBe(true);
      expect(String(error)).toContain('made no progress for 10 s');
      // The outcome is unknown, so the 503 must not claim that nothing was stored.
      expect(error).toMatchObject({ code: 'ETIMEDOUT' });
    }
    await timers.sleeping();
    expect(lost).toEqual([]);
    await timers.advance(1_000);
    expect(lost.map(String)).toEqual([expect.stringContaining('made no progress for 10 s')]);
    await pool.end();
  });

  test('has no short limit until the statement timeout is set', async () => {
    const timers = new ManualTimers();
    const thread = await openThread({ timers });
    const spinning = reasonOf(thread.query(SPINNING));
    await timers.advance(5 * 60_000);
    expect(thread.isClosed).toBe(false);
    const closing = thread.close();
    await timers.sleeping();
    await timers.advance(5_000);
    await closing;
    expect(await spinning).toBeInstanceOf(ServiceUnavailableError);
  });

  test('closes within seconds, whether it answers or not, without calling onLost', async () => {
    const timers = new ManualTimers();
    const lost: Error[] = [];
    const thread = await openThread({ timers, onLost: (error) => lost.push(error) });
    thread.setStatementTimeout();
    const spinning = reasonOf(thread.query(SPINNING));
    const closing = thread.close();
    await timers.sleeping();
    await timers.advance(5_000);
    await closing;
    expect(await spinning).toBeInstanceOf(ServiceUnavailableError);
    await timers.advance(60_000);
    expect(lost).toEqual([]);
  });
});
