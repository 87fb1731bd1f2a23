// The budget of an account over time, in its record: who gets a request, and who has to wait.
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { classifyError } from '../../src/context/classify-error.js';
import {
  COMPARISON_PRIORITY,
  LOWEST_PRIORITY,
  priority,
  VERIFICATION_PRIORITY,
} from '../../src/core/index.js';
import { openDatabase } from '../../src/db/database.js';
import type { Db } from '../../src/db/schema.js';
import { type Account, putAccount } from '../../src/db/tables/accounts.js';
import { createLog } from '../../src/lib/log.js';
import { RateLimiter } from '../../src/rate-limit/limiter.js';
import { RateLimitError } from '../../src/rate-limit/rate-limit-error.js';
import { deleteAllRows, postgresDatabase } from '../db/databases.js';
import { account, ENCRYPTOR, NOW } from '../db/seed-rows.js';
import { atEndOfTest } from '../support/release.js';

const SECOND = 1_000;
const CLOSING = priority({ closed: [{ start: 0, end: 1 }], opened: [], now: 0 });
const abroad: Account = account({
  limits: {
    writesPerMinute: 40,
    writesPerHour: 2_400,
    requestsPerHour: 8_000,
    requestsPerFiveMinutes: 500,
  },
});

describe('the budget of an account that asks from abroad', () => {
  let db: Db;
  let now: number;
  let limiter: RateLimiter;

  beforeAll(async () => {
    const database = await openDatabase({ url: await postgresDatabase() });
    atEndOfTest(() => database.close());
    db = database.db;
  });

  beforeEach(async () => {
    await deleteAllRows(db);
    await putAccount(db, abroad, NOW, ENCRYPTOR);
    now = NOW.getTime();
    limiter = new RateLimiter({
      db,
      log: createLog('silent'),
      now: () => now,
      requestTimeoutMs: 10 * SECOND,
    });
  });

  test('what it has no request for waits as urgently as it is, and not as what its calendar was woken for', async () => {
    while (await ask(CLOSING, true));
    const error = await limiter
      .gate(abroad, CLOSING)
      .before({ write: true })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RateLimitError);
    expect(classifyError(error, now)).toMatchObject({ kind: 'wait', priority: CLOSING });
  });

  /** Asks, and answers at once. @returns whether there was a request for it */
  async function ask(priority: number, write = false): Promise<boolean> {
    const gate = limiter.gate(abroad, priority);
    try {
      await gate.before({ write });
    } catch (error) {
      if (error instanceof RateLimitError) return false;
      throw error;
    }
    await gate.after({ write, status: 200 });
    return true;
  }

  test('counts what was sent late, and of which the answer could not be written down, for as long as the marketplace does', async () => {
    const limits = { ...abroad.limits, writesPerMinute: 1 };
    const slow: Account = { ...abroad, limits };
    await limiter.gate(slow, CLOSING).before({ write: true });
    // Another token came first, and took the time of a request.
    now += 11 * SECOND + 60 * SECOND - 1;
    await expect(limiter.gate(slow, CLOSING).before({ write: true })).rejects.toThrow(RateLimitError);
  });

  test('does not count what was not sent after all', async () => {
    for (let n = 0; n < 100; n += 1) {
      const gate = limiter.gate(abroad, CLOSING);
      await gate.before({ write: true });
      await gate.notSent({ write: true });
    }
    expect(await ask(CLOSING, true)).toBe(true);
  });

  test('has room for a pull after a resync has read all that it may', async () => {
    let read = 0;
    while (await ask(COMPARISON_PRIORITY)) read += 1;
    expect(read).toBe(225);
    now += SECOND;
    expect(await ask(VERIFICATION_PRIORITY)).toBe(true);
    expect(await ask(CLOSING)).toBe(true);
  });

  test('hears every ten seconds, whatever is written, read back and compared', async () => {
    let [refused, readBack, compared] = [0, 0, 0];
    // In batches of ten seconds, for eight minutes.
    for (let batch = 0; batch < 48; batch += 1) {
      const writes = batch % 6 < 4 ? 7 : 6;
      for (let n = 0; n < writes; n += 1) {
        expect(await ask(CLOSING, true)).toBe(true);
        if (await ask(CLOSING)) readBack += 1;
      }
      while (await ask(COMPARISON_PRIORITY)) compared += 1;
      if (!(await ask(VERIFICATION_PRIORITY))) refused += 1;
      now += 10 * SECOND;
    }
    expect(refused).toBe(0);
    // Of what 40 writes a minute would read back, a quarter of the readings at least; the resync goes on, too.
    expect(readBack).toBeGreaterThan(75);
    expect(compared).toBeGreaterThan(225);
  });

  test('keeps some readings for hearing, where everything else reads all that it may', async () => {
    let read = 0;
    while (await ask(CLOSING)) read += 1;
    expect(read).toBe(262);
    for (let n = 0; n < 38; n += 1) expect(await ask(VERIFICATION_PRIORITY)).toBe(true);
    expect(await ask(VERIFICATION_PRIORITY)).toBe(false);
    // What will have to be written is none of these.
    expect(await ask(CLOSING, true)).toBe(true);
  });

  test('is no higher than what the answers state, and keeps its reserve of it', async () => {
    const answered = async (write: boolean, limit: number, resetInMs: number) => {
      const gate = limiter.gate(abroad, CLOSING);
      await gate.before({ write });
      const rateLimit = { limit, used: 1, remaining: limit - 1, resetAt: now + resetInMs };
      await gate.after({ write, status: 200, rateLimit });
    };
    await answered(true, 8, 60 * SECOND);
    let opened = 1;
    while (await ask(LOWEST_PRIORITY, true)) opened += 1;
    expect(opened).toBe(6);
    while (await ask(CLOSING, true)) opened += 1;
    expect(opened).toBe(8);
    // Higher ones than the account's own change nothing.
    await answered(false, 20_000, 3_000 * SECOND);
    await answered(false, 20, 3_000 * SECOND);
    // Two were read above; half of all is left to what will have to be written.
    let read = 2;
    while (await ask(VERIFICATION_PRIORITY)) read += 1;
    expect(read).toBe(10);
  });
});
