/** What happens next with a day, from every state that the database can have: the engine of these tests publishes nothing. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { pauseAccount, recordAccountRefused } from '../../src/db/tables/account-states.js';
import { getAccount } from '../../src/db/tables/accounts.js';
import { recordCalendarRefused, recordFailure, scheduleRetry } from '../../src/db/tables/calendar-retries.js';
import { getCalendar } from '../../src/db/tables/calendars.js';
import { recordPublishedDays, saveFailedDays } from '../../src/db/tables/days.js';
import { saveHeldChange } from '../../src/db/tables/held-changes.js';
import { acquireLease } from '../../src/db/tables/leases.js';
import { acquireRequests } from '../../src/db/tables/requests.js';
import { saveVerifications } from '../../src/db/tables/verifications.js';
import type { Slotkeeper } from '../../src/engine.js';
import { postgresDatabase } from '../db/databases.js';
import { ACCOUNT, ADDRESS, CALENDAR, foundingExample, WEEK_BEFORE } from '../engine/founding-example.js';
import { openClinic, startEngine } from '../engine/running.js';

const { date, events } = foundingExample();
const [available, occupied] = events;
const NOW = new Date(WEEK_BEFORE);
const in90Seconds = new Date(WEEK_BEFORE + 90_000);
const AT = '2026-11-09T07:01:30.000Z';

describe('what happens next', () => {
  let engine: Slotkeeper;

  beforeAll(async () => {
    engine = await startEngine(
      { databaseUrl: await postgresDatabase() },
      { roles: ['api'], now: () => WEEK_BEFORE },
    );
  });

  beforeEach(async () => {
    await openClinic(engine);
  });

  afterAll(async () => {
    await engine.stop();
  });

  const explain = async (at = `${date}T10:00`) => await engine.explain(CALENDAR, at);
  const next = async (at?: string) => (await explain(at))?.next;
  const failing = async () =>
    (await explain())?.checks
      .filter(({ ok }) => ok === false)
      .map(({ check, detail }) => `${check}: ${detail}`);
  const opened = async () => {
    await engine.events([available]);
  };
  const target = { id: CALENDAR, account: ACCOUNT, ...ADDRESS };
  const published = async () => {
    const account = await getAccount(engine.db, ACCOUNT);
    if (account === undefined) throw new Error('there is no account');
    const days = [{ date, generation: 1, slots: [], verified: true }];
    await recordPublishedDays(engine.db, target, account, days, NOW);
  };

  test('nothing follows for a date without windows, or in the past', async () => {
    expect(await next()).toBe(
      `nothing follows until an event or a snapshot says when the calendar is available on ${date}`,
    );
    expect(await failing()).toEqual([
      `horizon: no event or snapshot has said when the calendar is available on ${date}`,
      'window: no window covers this time',
      `published: nothing was published for ${date}`,
    ]);
    const past = await explain('2026-11-02T10:00');
    expect(past).toMatchObject({ wanted: false, next: 'nothing follows: the time is in the past' });
    expect(past?.checks[2]).toEqual({ check: 'horizon', ok: false, detail: 'the time is in the past' });
  });

  test('nothing follows for a day that is in sync', async () => {
    await opened();
    await published();
    expect(await explain()).toMatchObject({
      state: 'in-sync',
      next: 'the day is in sync: nothing follows until it changes',
    });
  });

  test('a pending day is published at once where a job waits, and else by the requeue sweep', async () => {
    await opened();
    expect(await explain()).toMatchObject({
      state: 'pending',
      next: 'the day is enqueued and is published at once',
    });
    await engine.db.updateTable('slotkeeper.calendars').set({ queued_priority: null }).execute();
    expect(await next()).toBe('the requeue sweep enqueues the day, and it is published then');
    await acquireLease(engine.db, CALENDAR, 'token', 60_000);
    expect(await next()).toBe('the calendar is being published now');
  });

  test('a day after the horizon waits for its date', async () => {
    const to = '2027-03-01';
    const window = { ...available.windows?.[0], start: `${to}T10:00`, end: `${to}T11:00` };
    await engine.events([{ ...available, id: 'far', from: to, to, windows: [window] } as typeof available]);
    const explained = await explain(`${to}T10:00`);
    expect(explained).toMatchObject({
      wanted: false,
      state: 'pending',
      next: 'the day is published from 2026-12-08 on, when its date is near enough',
    });
    expect(explained?.checks[2]).toEqual({
      check: 'horizon',
      ok: false,
      detail: 'the date is too far ahead: published is what lies up to 2027-01-31',
    });
  });

  test('a pending day waits for the allowance of its account, as long as its priority has to', async () => {
    await opened();
    const windows = [{ of: 'writes', limit: 100, perMs: 60_000 }] as const;
    const answeredBy = new Date(WEEK_BEFORE - 20_000);
    for (let n = 0; n < 30; n += 1) await acquireRequests(engine.db, ACCOUNT, true, windows, NOW, answeredBy);
    // Opening a day may use three quarters of the 40 writes in a minute, closing all of them.
    expect(await next()).toBe("the day waits for the account's allowance, about 40 s");
    await engine.events([occupied]);
    expect(await next()).toBe('the day is enqueued and is published at once');
  });

  test('a pending day waits for its paused or refused account', async () => {
    await opened();
    await pauseAccount(engine.db, ACCOUNT, { until: in90Seconds, reason: 'the firewall blocked it' }, NOW);
    expect(await next()).toBe(
      `the day waits until the pause of account warsaw ends at ${AT}: the firewall blocked it`,
    );
    expect(await failing()).toContain(
      `account: account warsaw is paused until ${AT}: the firewall blocked it`,
    );
    await recordAccountRefused(engine.db, ACCOUNT, 'invalid_client', NOW);
    expect(await next()).toBe(
      'the day waits until the marketplace accepts the credentials of account warsaw: invalid_client',
    );
    expect(await failing()).toContain(
      'account: the marketplace refuses account warsaw since 2026-11-09T07:00:00.000Z: invalid_client',
    );
  });

  test('a pending day is retried, or read to verify it', async () => {
    await opened();
    const verification = { date, generation: 1, writtenAt: NOW, differing: 1, unread: 0, repaired: false };
    await saveVerifications(engine.db, CALENDAR, [{ ...verification, dueAt: in90Seconds }]);
    expect(await next()).toBe(`the day was sent, and is read at ${AT} to verify it`);
    await recordFailure(engine.db, CALENDAR, 'replaceSlots was answered 503');
    await scheduleRetry(engine.db, CALENDAR, in90Seconds);
    expect(await next()).toBe(
      `the last attempt failed and is retried at ${AT}: replaceSlots was answered 503`,
    );
    await engine.events([occupied]);
    await scheduleRetry(engine.db, CALENDAR, NOW);
    // The verification is of an older generation, and the retry is due.
    expect(await next()).toBe('the day is enqueued and is published at once');
  });

  test('a failed day and a failed calendar are retried, each with its reason', async () => {
    await opened();
    await saveFailedDays(
      engine.db,
      CALENDAR,
      [{ date, generation: 1, error: { reason: 'slots[0]: overlaps' } }],
      NOW,
      1,
    );
    expect(await explain()).toMatchObject({
      state: 'failed',
      next: 'the day could not be published and is retried at 2026-11-09T07:01:00.000Z: slots[0]: overlaps',
    });
    await engine.events([occupied]);
    const calendar = await getCalendar(engine.db, CALENDAR);
    if (calendar === undefined) throw new Error('there is no calendar');
    await recordCalendarRefused(
      engine.db,
      calendar,
      { reason: 'not commercial', leavesOnSale: false, tried: [] },
      NOW,
      1,
    );
    expect(await explain()).toMatchObject({
      state: 'failed',
      next: 'the marketplace refuses the calendar, and it is retried at 2026-11-09T07:01:00.000Z: not commercial',
    });
    expect(await failing()).toContain('calendar: the marketplace refuses the calendar: not commercial');
  });

  test('a held change waits for a person', async () => {
    await opened();
    await saveHeldChange(engine.db, {
      calendar: CALENDAR,
      cause: 'snapshot',
      from: date,
      to: date,
      observedAt: new Date(WEEK_BEFORE + 1_000),
      heldAt: NOW,
      deletions: [],
      dates: [{ date, windows: [] }],
      releases: [],
    });
    expect(await explain()).toMatchObject({
      state: 'held',
      next: 'a change of the day is held until a person decides: slotkeeper held list',
    });
  });

  test('a calendar that is being closed says so', async () => {
    await opened();
    await engine.deleteCalendar(CALENDAR);
    expect(await explain()).toMatchObject({
      wanted: false,
      next: 'the calendar is being closed: everything of it is taken off sale, then it is deleted',
    });
    expect(await failing()).toContain(
      'calendar: the calendar is being closed since 2026-11-09T07:00:00.000Z',
    );
  });
});
