import { describe, expect, test } from '@jest/globals';
import { acquirePermission, pauseAccount } from '../../src/db/tables/account-states.js';
import { putAccount } from '../../src/db/tables/accounts.js';
import { acquireLease, renewLease } from '../../src/db/tables/leases.js';
import { acquireRequests, deleteExpiredRequests, recordAnswer } from '../../src/db/tables/requests.js';
import { account, ENCRYPTOR, later, NOW } from './seed-rows.js';
import { useDatabase } from './use-database.js';

const MINUTE = 60_000;

describe('the state that workers share through the database', () => {
  const database = useDatabase();

  describe('the rate limiter', () => {
    const two = [{ of: 'writes', limit: 2, perMs: MINUTE }] as const;
    const acquire = (at: Date, write = true) => acquireRequests(database.db, 'warsaw', write, two, at, at);

    test('permits the limit of requests in any window, and reports when the next one is permitted', async () => {
      expect(await acquire(NOW)).toMatchObject({ kind: 'acquired' });
      expect(await acquire(later(10_000))).toMatchObject({ kind: 'acquired' });
      expect(await acquire(later(20_000))).toMatchObject({ kind: 'exhausted', until: later(MINUTE) });
      expect(await acquire(later(MINUTE - 1))).toMatchObject({ kind: 'exhausted', until: later(MINUTE) });
      expect(await acquire(later(MINUTE))).toMatchObject({ kind: 'acquired' });
      expect(await acquire(later(MINUTE))).toMatchObject({
        kind: 'exhausted',
        until: later(10_000 + MINUTE),
      });
    });

    test('counts reads only in a window of all requests', async () => {
      const all = [...two, { of: 'requests', limit: 3, perMs: 60 * MINUTE }] as const;
      for (const write of [true, false, false])
        await acquireRequests(database.db, 'warsaw', write, all, NOW, NOW);
      expect(await acquireRequests(database.db, 'warsaw', true, two, NOW, NOW)).toMatchObject({
        kind: 'acquired',
      });
      expect(await acquireRequests(database.db, 'warsaw', true, all, later(1), later(1))).toMatchObject({
        kind: 'exhausted',
        until: later(60 * MINUTE),
      });
    });

    test('counts reads separately in a window of their own', async () => {
      const one = [{ of: 'reads', limit: 1, perMs: MINUTE }] as const;
      await acquire(NOW);
      expect(await acquireRequests(database.db, 'warsaw', false, one, NOW, NOW)).toMatchObject({
        kind: 'acquired',
      });
      expect(await acquireRequests(database.db, 'warsaw', false, one, later(1), later(1))).toMatchObject({
        kind: 'exhausted',
        until: later(MINUTE),
      });
    });

    test('counts a request from its answer, and one without an answer from the latest possible answer', async () => {
      const answeredBy = later(15_000);
      await acquireRequests(database.db, 'warsaw', true, two, NOW, answeredBy);
      await acquireRequests(database.db, 'warsaw', true, two, NOW, answeredBy);
      expect(await acquire(later(1))).toMatchObject({ kind: 'exhausted', until: later(15_000 + MINUTE) });
      await recordAnswer(database.db, 'warsaw', true, answeredBy, later(300));
      expect(await acquire(later(400))).toMatchObject({ kind: 'exhausted', until: later(300 + MINUTE) });
    });

    test('counts each account separately', async () => {
      await putAccount(database.db, account({ id: 'madrid' }), NOW, ENCRYPTOR);
      await acquire(NOW);
      await acquire(NOW);
      expect(await acquireRequests(database.db, 'madrid', true, two, NOW, NOW)).toMatchObject({
        kind: 'acquired',
      });
    });

    test('deletes the requests that no window contains any more', async () => {
      await acquire(NOW);
      await acquire(later(MINUTE));
      expect(await deleteExpiredRequests(database.db, later(1))).toBe(1);
    });
  });

  describe('a pause of an account', () => {
    test('lasts until its end, and the longer pause wins', async () => {
      expect(await acquirePermission(database.db, 'warsaw', NOW, later(1))).toEqual({
        kind: 'free',
        isRefused: false,
      });
      await pauseAccount(database.db, 'warsaw', { until: later(5_000), reason: 'spent' }, NOW);
      await pauseAccount(database.db, 'warsaw', { until: later(1_000), reason: 'shorter' }, NOW);
      expect(await acquirePermission(database.db, 'warsaw', later(2_000), later(3_000))).toEqual({
        kind: 'paused',
        until: later(5_000),
        reason: 'spent',
      });
      expect(await acquirePermission(database.db, 'warsaw', later(5_000), later(6_000))).toEqual({
        kind: 'free',
        isRefused: false,
      });
    });
  });

  describe('the lease of a calendar', () => {
    test('expires by itself', async () => {
      expect(await acquireLease(database.db, 'nowak', 'one', -1)).toBe(true);
      expect(await acquireLease(database.db, 'nowak', 'other', 60_000)).toBe(true);
      expect(await renewLease(database.db, 'nowak', 'one', 60_000)).toBe(false);
    });
  });
});
