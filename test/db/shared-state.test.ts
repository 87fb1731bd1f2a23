import { describe, expect, test } from '@jest/globals';
import { acquirePermission, pauseAccount } from '../../src/db/tables/account-states.js';
import { putAccount } from '../../src/db/tables/accounts.js';
import { acquireLease, renewLease } from '../../src/db/tables/leases.js';
import { acquireRequest, deleteExpiredRequests, requestAnswered } from '../../src/db/tables/requests.js';
import { account, ENCRYPTOR, later, NOW } from './seed-rows.js';
import { useDatabase } from './use-database.js';

const MINUTE = 60_000;

describe('what workers share through the record', () => {
  const record = useDatabase();

  describe('the budget', () => {
    const two = [{ of: 'writes', limit: 2, perMs: MINUTE }] as const;
    const take = (at: Date, write = true) => acquireRequest(record.db, 'warsaw', write, two, at, at);

    test('has as many requests in any stretch as fit, and says when there is one again', async () => {
      expect(await take(NOW)).toEqual({ kind: 'taken' });
      expect(await take(later(10_000))).toEqual({ kind: 'taken' });
      expect(await take(later(20_000))).toEqual({ kind: 'spent', until: later(MINUTE) });
      expect(await take(later(MINUTE - 1))).toEqual({ kind: 'spent', until: later(MINUTE) });
      expect(await take(later(MINUTE))).toEqual({ kind: 'taken' });
      expect(await take(later(MINUTE))).toEqual({ kind: 'spent', until: later(10_000 + MINUTE) });
    });

    test('counts readings only where all requests are counted', async () => {
      const all = [...two, { of: 'requests', limit: 3, perMs: 60 * MINUTE }] as const;
      for (const write of [true, false, false])
        await acquireRequest(record.db, 'warsaw', write, all, NOW, NOW);
      expect(await acquireRequest(record.db, 'warsaw', true, two, NOW, NOW)).toEqual({ kind: 'taken' });
      expect(await acquireRequest(record.db, 'warsaw', true, all, later(1), later(1))).toEqual({
        kind: 'spent',
        until: later(60 * MINUTE),
      });
    });

    test('counts readings by themselves where they have a window of their own', async () => {
      const one = [{ of: 'readings', limit: 1, perMs: MINUTE }] as const;
      await take(NOW);
      expect(await acquireRequest(record.db, 'warsaw', false, one, NOW, NOW)).toEqual({ kind: 'taken' });
      expect(await acquireRequest(record.db, 'warsaw', false, one, later(1), later(1))).toEqual({
        kind: 'spent',
        until: later(MINUTE),
      });
    });

    test('counts a request from its answer, and one without an answer from when it could last have come', async () => {
      const answeredBy = later(15_000);
      await acquireRequest(record.db, 'warsaw', true, two, NOW, answeredBy);
      await acquireRequest(record.db, 'warsaw', true, two, NOW, answeredBy);
      expect(await take(later(1))).toEqual({ kind: 'spent', until: later(15_000 + MINUTE) });
      await requestAnswered(record.db, 'warsaw', true, answeredBy, later(300));
      expect(await take(later(400))).toEqual({ kind: 'spent', until: later(300 + MINUTE) });
    });

    test('of another account is another', async () => {
      await putAccount(record.db, account({ id: 'madrid' }), NOW, ENCRYPTOR);
      await take(NOW);
      await take(NOW);
      expect(await acquireRequest(record.db, 'madrid', true, two, NOW, NOW)).toEqual({ kind: 'taken' });
    });

    test('forgets what no stretch reaches any more', async () => {
      await take(NOW);
      await take(later(MINUTE));
      expect(await deleteExpiredRequests(record.db, later(1))).toBe(1);
    });
  });

  describe('a pause of an account', () => {
    test('holds until its time, and the longer one wins', async () => {
      expect(await acquirePermission(record.db, 'warsaw', NOW, later(1))).toEqual({
        kind: 'free',
        isRefused: false,
      });
      await pauseAccount(record.db, 'warsaw', { until: later(5_000), reason: 'spent' });
      await pauseAccount(record.db, 'warsaw', { until: later(1_000), reason: 'shorter' });
      expect(await acquirePermission(record.db, 'warsaw', later(2_000), later(3_000))).toEqual({
        kind: 'paused',
        until: later(5_000),
        reason: 'spent',
      });
      expect(await acquirePermission(record.db, 'warsaw', later(5_000), later(6_000))).toEqual({
        kind: 'free',
        isRefused: false,
      });
    });
  });

  describe('the lease of a calendar', () => {
    test('runs out by itself', async () => {
      expect(await acquireLease(record.db, 'nowak', 'one', -1)).toBe(true);
      expect(await acquireLease(record.db, 'nowak', 'other', 60_000)).toBe(true);
      expect(await renewLease(record.db, 'nowak', 'one', 60_000)).toBe(false);
    });
  });
});
