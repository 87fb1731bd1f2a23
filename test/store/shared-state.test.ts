import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { askPermission, countPause, endPauses, pauseAccount, putAccount } from '../../src/store/accounts.js';
import { attemptFailed, attemptSucceeded, retryAt } from '../../src/store/attempts.js';
import { getCalendar, putCalendar } from '../../src/store/calendars.js';
import { type Database, openDatabase } from '../../src/store/database.js';
import { giveBackLease, renewLease, takeLease } from '../../src/store/leases.js';
import { payloadsSince, rememberPayload } from '../../src/store/payloads.js';
import { forgetRequests, giveBackRequests, requestAnswered, takeRequest } from '../../src/store/requests.js';
import type { Db } from '../../src/store/schema.js';
import { databases, emptyRecord } from './databases.js';
import { account, calendar, NOW } from './facts.js';

const later = (ms: number): Date => new Date(NOW.getTime() + ms);
const MINUTE = 60_000;

describe.each(databases)('what workers share through the record on $name', ({ fresh }) => {
  let database: Database;
  let db: Db;

  beforeAll(async () => {
    database = await openDatabase(await fresh());
    db = database.db;
  });

  beforeEach(async () => {
    await emptyRecord(db);
    await putAccount(db, account(), NOW);
    await putCalendar(db, calendar(), NOW);
  });

  afterAll(async () => {
    await database.close();
  });

  describe('the budget', () => {
    const two = [{ of: 'writes', limit: 2, perMs: MINUTE }] as const;
    const take = (at: Date, write = true) => takeRequest(db, 'warsaw', write, two, at, at);

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
      for (const write of [true, false, false]) await takeRequest(db, 'warsaw', write, all, NOW, NOW);
      expect(await takeRequest(db, 'warsaw', true, two, NOW, NOW)).toEqual({ kind: 'taken' });
      expect(await takeRequest(db, 'warsaw', true, all, later(1), later(1))).toEqual({
        kind: 'spent',
        until: later(60 * MINUTE),
      });
    });

    test('counts readings by themselves where they have a window of their own', async () => {
      const one = [{ of: 'readings', limit: 1, perMs: MINUTE }] as const;
      await take(NOW);
      expect(await takeRequest(db, 'warsaw', false, one, NOW, NOW)).toEqual({ kind: 'taken' });
      expect(await takeRequest(db, 'warsaw', false, one, later(1), later(1))).toEqual({
        kind: 'spent',
        until: later(MINUTE),
      });
    });

    test('has several at once or none, says when there are so many, and takes back what was not used', async () => {
      const three = [{ of: 'readings', limit: 3, perMs: MINUTE }] as const;
      const reads = (at: Date, count: number) => takeRequest(db, 'warsaw', false, three, at, at, count);
      expect(await reads(NOW, 1)).toEqual({ kind: 'taken' });
      expect(await reads(later(1_000), 1)).toEqual({ kind: 'taken' });
      expect(await reads(later(2_000), 2)).toEqual({ kind: 'spent', until: later(MINUTE) });
      expect(await reads(later(2_000), 3)).toEqual({ kind: 'spent', until: later(1_000 + MINUTE) });
      expect(await reads(later(MINUTE), 2)).toEqual({ kind: 'taken' });
      await giveBackRequests(db, 'warsaw', false, later(MINUTE), 1);
      expect(await reads(later(MINUTE), 1)).toEqual({ kind: 'taken' });
      expect(await reads(later(MINUTE), 1)).toEqual({ kind: 'spent', until: later(1_000 + MINUTE) });
    });

    test('counts a request from its answer, and one without an answer from when it could last have come', async () => {
      const answeredBy = later(15_000);
      await takeRequest(db, 'warsaw', true, two, NOW, answeredBy);
      await takeRequest(db, 'warsaw', true, two, NOW, answeredBy);
      expect(await take(later(1))).toEqual({ kind: 'spent', until: later(15_000 + MINUTE) });
      await requestAnswered(db, 'warsaw', true, answeredBy, later(300));
      expect(await take(later(400))).toEqual({ kind: 'spent', until: later(300 + MINUTE) });
    });

    test('is never overspent by many workers at the same time', async () => {
      const answers = await Promise.all(Array.from({ length: 12 }, () => take(NOW)));
      expect(answers.filter(({ kind }) => kind === 'taken')).toHaveLength(2);
    });

    test('of another account is another', async () => {
      await putAccount(db, account({ id: 'madrid' }), NOW);
      await take(NOW);
      await take(NOW);
      expect(await takeRequest(db, 'madrid', true, two, NOW, NOW)).toEqual({ kind: 'taken' });
    });

    test('forgets what no stretch reaches any more', async () => {
      await take(NOW);
      await take(later(MINUTE));
      expect(await forgetRequests(db, later(1))).toBe(1);
    });
  });

  describe('a pause of an account', () => {
    test('holds until its time, and the longer one wins', async () => {
      expect(await askPermission(db, 'warsaw', NOW, later(1))).toEqual({ kind: 'free' });
      await pauseAccount(db, 'warsaw', { until: later(5_000), reason: 'spent' });
      await pauseAccount(db, 'warsaw', { until: later(1_000), reason: 'shorter' });
      expect(await askPermission(db, 'warsaw', later(2_000), later(3_000))).toEqual({
        kind: 'paused',
        until: later(5_000),
        reason: 'spent',
      });
      expect(await askPermission(db, 'warsaw', later(5_000), later(6_000))).toEqual({ kind: 'free' });
    });

    test('by the firewall lets one request through first, and all once that came through', async () => {
      expect(await countPause(db, 'warsaw', 0)).toBe(1);
      expect(await countPause(db, 'warsaw', 0)).toBeUndefined();
      expect(await countPause(db, 'warsaw', 1)).toBe(2);
      const asked = await Promise.all([1, 2, 3].map(() => askPermission(db, 'warsaw', NOW, later(9_000))));
      expect(asked.map(({ kind }) => kind).sort()).toEqual(['paused', 'paused', 'probe']);
      await endPauses(db, 'warsaw');
      expect(await askPermission(db, 'warsaw', later(1), later(2))).toEqual({ kind: 'free' });
    });
  });

  describe('the lease of a calendar', () => {
    test('is one worker’s, can be prolonged by it, and goes to another once given back', async () => {
      expect(await takeLease(db, 'nowak', 'one', 60_000)).toBe(true);
      expect(await takeLease(db, 'nowak', 'other', 60_000)).toBe(false);
      expect(await renewLease(db, 'nowak', 'one', 60_000)).toBe(true);
      expect(await renewLease(db, 'nowak', 'other', 60_000)).toBe(false);
      await giveBackLease(db, 'nowak', 'other');
      expect(await takeLease(db, 'nowak', 'other', 60_000)).toBe(false);
      await giveBackLease(db, 'nowak', 'one');
      expect(await takeLease(db, 'nowak', 'other', 60_000)).toBe(true);
    });

    test('runs out by itself', async () => {
      expect(await takeLease(db, 'nowak', 'one', -1)).toBe(true);
      expect(await takeLease(db, 'nowak', 'other', 60_000)).toBe(true);
      expect(await renewLease(db, 'nowak', 'one', 60_000)).toBe(false);
    });

    test('is given to one of many who ask at once', async () => {
      const asked = await Promise.all(
        Array.from({ length: 8 }, (_, n) => takeLease(db, 'nowak', `worker-${n}`, 60_000)),
      );
      expect(asked.filter(Boolean)).toHaveLength(1);
    });
  });

  test('failed attempts are counted, their reason is in sight, and a success forgets them', async () => {
    expect(await attemptFailed(db, 'nowak', 'timeout')).toBe(1);
    expect(await attemptFailed(db, 'nowak', 'still')).toBe(2);
    await retryAt(db, 'nowak', later(4_000));
    expect(await getCalendar(db, 'nowak')).toMatchObject({
      retrying: { reason: 'still', attempts: 2, at: later(4_000) },
    });
    await attemptSucceeded(db, 'nowak');
    expect(await getCalendar(db, 'nowak')).toEqual(calendar());
  });

  test('bodies that were sent lately are remembered, older ones forgotten', async () => {
    await rememberPayload(db, 'nowak', 'a', NOW, later(-1));
    await rememberPayload(db, 'nowak', 'b', later(10), later(-1));
    expect(await payloadsSince(db, 'nowak', later(5))).toEqual(new Set(['b']));
    await rememberPayload(db, 'nowak', 'a', later(20), later(15));
    expect(await payloadsSince(db, 'nowak', later(-5))).toEqual(new Set(['a']));
  });
});
