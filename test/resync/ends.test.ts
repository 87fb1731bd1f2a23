// A resync ends, whatever becomes of its calendars.
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openDatabase } from '../../src/db/database.js';
import type { Db } from '../../src/db/schema.js';
import { recordAccountRefused } from '../../src/db/tables/account-states.js';
import { putAccount } from '../../src/db/tables/accounts.js';
import { recordCalendarRefused, recordFailure } from '../../src/db/tables/calendar-retries.js';
import { putCalendar } from '../../src/db/tables/calendars.js';
import { retryFailures } from '../../src/db/tables/failures.js';
import { listOpenResyncs, recordCalendarDone, saveComparison } from '../../src/db/tables/resync-calendars.js';
import { getResync } from '../../src/db/tables/resync-reports.js';
import { beginResync, finishResyncs, recordComparisonStarted } from '../../src/db/tables/resyncs.js';
import { deleteAllRows, postgresDatabase } from '../db/databases.js';
import { account, calendar, ENCRYPTOR, NOW } from '../db/seed-rows.js';
import { atEndOfTest } from '../support/release.js';

const HOUR = 60 * 60_000;
const hoursOn = (hours: number): Date => new Date(NOW.getTime() + hours * HOUR);

describe('a resync with a calendar that is never compared', () => {
  let db: Db;

  beforeAll(async () => {
    const database = await openDatabase({ url: await postgresDatabase() });
    atEndOfTest(() => database.close());
    db = database.db;
  });

  beforeEach(async () => {
    await deleteAllRows(db);
    await db.deleteFrom('slotkeeper.resyncs').execute();
    await putAccount(db, account(), NOW, ENCRYPTOR);
    await putCalendar(db, calendar(), NOW);
    await putCalendar(db, calendar({ id: 'lis', addressId: '790' }), NOW);
  });

  test('fails after 12 hours, with the reason of the calendar, and the next night begins another', async () => {
    const id = await beginResync(db, { account: 'warsaw', dryRun: false }, NOW);
    await recordComparisonStarted(db, id, { failures: [], sources: [] }, NOW);
    await recordFailure(db, 'nowak', 'the marketplace does not answer');
    await finishResyncs(db, hoursOn(11.9));
    expect(await getResync(db, id, 0, NOW)).toMatchObject({ state: 'running', calendarsDone: 0 });
    await finishResyncs(db, hoursOn(12.1));
    expect(await getResync(db, id, 0, NOW)).toMatchObject({
      state: 'failed',
      finishedAt: hoursOn(12.1),
      calendarsDone: 2,
      failures: [
        { calendar: 'lis', reason: 'was not compared within 12 hours' },
        { calendar: 'nowak', reason: 'the marketplace does not answer' },
      ],
    });
    expect(await listOpenResyncs(db, 'nowak')).toEqual([]);
    expect(await beginResync(db, { account: 'warsaw', dryRun: false }, hoursOn(24))).not.toBe(id);
  });

  test('does not count a failed calendar that is to be retried for it', async () => {
    await recordCalendarRefused(
      db,
      calendar(),
      { reason: 'forbidden', leavesOnSale: false, tried: [] },
      NOW,
      1,
    );
    const id = await beginResync(db, { account: 'warsaw', dryRun: false }, NOW);
    await finishResyncs(db, NOW);
    await retryFailures(db, ['nowak'], NOW);
    await recordComparisonStarted(db, id, { failures: [], sources: [] }, NOW);
    await finishResyncs(db, NOW);
    expect(await getResync(db, id, 0, NOW)).toMatchObject({ state: 'running', calendarsDone: 0 });
    expect(await listOpenResyncs(db, 'nowak')).toMatchObject([{ resync: id, state: 'waiting' }]);
  });

  test('is not joined where it has expired, or comes from a backup', async () => {
    const old = await beginResync(db, { dryRun: false }, NOW);
    await recordComparisonStarted(db, old, { failures: [], sources: [] }, NOW);
    const id = await beginResync(db, { dryRun: false }, hoursOn(25));
    expect(id).not.toBe(old);
    expect(await getResync(db, old, 0, NOW)).toMatchObject({ state: 'failed' });
  });

  test('has 12 hours from the start of its comparisons', async () => {
    const id = await beginResync(db, { dryRun: false }, NOW);
    await finishResyncs(db, hoursOn(20));
    await recordComparisonStarted(db, id, { failures: [], sources: [] }, hoursOn(20));
    await finishResyncs(db, hoursOn(31));
    expect(await getResync(db, id, 0, NOW)).toMatchObject({ state: 'running', calendarsDone: 0 });
  });

  test('of a killed process has expired when another is requested', async () => {
    const id = await beginResync(db, { account: 'warsaw', dryRun: false }, NOW);
    await recordComparisonStarted(db, id, { failures: [], sources: [] }, NOW);
    // While it may go on, it is joined.
    expect(await beginResync(db, { dryRun: false, calendars: ['nowak'] }, hoursOn(1))).toBe(id);
    const next = await beginResync(db, { account: 'warsaw', dryRun: false }, hoursOn(25));
    expect(next).not.toBe(id);
    expect(await getResync(db, id, 0, NOW)).toMatchObject({ state: 'failed', finishedAt: hoursOn(25) });
    await recordComparisonStarted(db, next, { failures: [], sources: [] }, hoursOn(25));
  });

  test('of an account without calendars is not one of another account', async () => {
    await putAccount(db, account({ id: 'madrid' }), NOW, ENCRYPTOR);
    const id = await beginResync(db, { account: 'warsaw', dryRun: false }, NOW);
    expect(await beginResync(db, { account: 'madrid', dryRun: false }, NOW)).not.toBe(id);
  });

  test('waits for a refused account until it is retried, and then finishes without it', async () => {
    await recordAccountRefused(db, 'warsaw', 'the credentials are not accepted', NOW);
    const id = await beginResync(db, { account: 'warsaw', dryRun: false }, hoursOn(1));
    await recordComparisonStarted(db, id, { failures: [], sources: [] }, hoursOn(1));
    await finishResyncs(db, hoursOn(1));
    expect(await getResync(db, id, 0, hoursOn(1))).toMatchObject({
      state: 'running',
      waiting: [{ account: 'warsaw', calendars: 2, reason: 'the credentials are not accepted' }],
    });
    await recordAccountRefused(db, 'warsaw', 'the credentials are not accepted', hoursOn(1));
    await finishResyncs(db, hoursOn(1));
    expect(await getResync(db, id, 0, hoursOn(1))).toMatchObject({ state: 'failed', waiting: [] });
  });

  test('does not change its report where a calendar is compared later', async () => {
    const id = await beginResync(db, { account: 'warsaw', dryRun: false }, NOW);
    await recordComparisonStarted(db, id, { failures: [], sources: [] }, NOW);
    await finishResyncs(db, hoursOn(13));
    const before = await getResync(db, id, 0, NOW);
    const found = { daysCompared: 84, missing: 1, extra: 0, stale: 0, foreign: 0, reads: 2, days: [] };
    await saveComparison(db, id, 'nowak', found, false);
    await recordCalendarDone(db, id, 'nowak');
    expect(await getResync(db, id, 0, NOW)).toEqual(before);
  });
});
