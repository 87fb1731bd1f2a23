// What is asked of the marketplace again and again: its notifications, and to send failed pushes once more.

import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { pino } from 'pino';
import { toIso } from '../../src/core/index.js';
import { acquireTask, findDueTasks, releaseTask, renewTask } from '../../src/db/tables/scheduled-tasks.js';
import { type DocplannerClient, parseNotification } from '../../src/docplanner/index.js';
import { Slotkeeper } from '../../src/engine.js';
import { createLog } from '../../src/lib/log.js';
import { ingestOrDeadLetter } from '../../src/notifications/dead-letter.js';
import { ingestNotifications } from '../../src/notifications/ingest.js';
import { type NotificationSubject, parseSubject } from '../../src/notifications/parsed-notification.js';
import { createPullTask } from '../../src/notifications/pull.js';
import { openEncryptor } from '../../src/setup/encryption.js';
import { ScheduledTasks } from '../../src/tasks/scheduled-tasks.js';
import { postgresDatabase } from '../db/databases.js';
import { account } from '../db/seed-rows.js';
import { addressOf, type ClinicFixture, ZONE } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { ManualTimers } from '../support/manual-timers.js';
import { atEndOfTest } from '../support/release.js';
import {
  API_KEY,
  type NotificationFixture,
  openNotificationFixture,
  PUSH,
  type SharedOptions,
  sharedNotificationFixture,
  TASKS_MS,
  toPushBody,
  visitBooking,
} from './notification-fixture.js';

const shared = sharedNotificationFixture({ random: () => 0.5 });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const clients = (notifications: 'pull' | 'push' | 'both', push?: { url: string; apiKey: string }) =>
  ['many', 'alone'].map((id) => ({
    id,
    secret: 'secret',
    notifications,
    ...(push === undefined ? {} : { push }),
    ...(id === 'alone' ? { facilities: ['elsewhere'] } : {}),
  }));

const NOWHERE = { url: 'http://127.0.0.1:9/', apiKey: API_KEY };

const pullingFixture = (notifications: SharedOptions['notifications'] = {}): Promise<NotificationFixture> =>
  shared({
    notifications: { mode: 'pull', pullEverySeconds: 3_600, ...notifications },
    clients: clients('pull'),
  });

/** So many things that are told: the doctor is not there for a minute, again and again. */
function addBreaks(fixture: ClinicFixture, times: number): void {
  const first = Date.parse(fixture.at('12:00'));
  const instant = (minutes: number) => toIso(first + minutes * MINUTE, ZONE);
  for (let n = 0; n < times; n += 1) {
    fixture.sandbox.addBreak(addressOf('nowak'), { since: instant(2 * n), till: instant(2 * n + 1) });
  }
}

const pulls = (fixture: ClinicFixture) =>
  fixture.requests('getNotifications').filter(({ client }) => client === 'many');

/** When the account's errand is due again, from now, in milliseconds. */
async function dueIn(fixture: ClinicFixture, kind: 'pull' | 'redelivery'): Promise<number> {
  const row = await fixture.engine.db
    .selectFrom('slotkeeper.scheduled_tasks')
    .selectAll()
    .where('account_id', '=', 'many')
    .where('kind', '=', kind)
    .executeTakeFirst();
  return row === undefined || row.token !== null ? 0 : row.next_at.getTime() - fixture.engine.now();
}

/**
 * Does what is due of this and other kinds, and waits until it has ended for both accounts.
 * @returns when this kind is due again for the account, in milliseconds
 */
async function runTask(
  { fixture, timers }: NotificationFixture,
  kind: 'pull' | 'redelivery',
  ...others: ('pull' | 'redelivery')[]
): Promise<number> {
  await timers.advance(TASKS_MS);
  const kinds = [kind, ...others];
  const ended = fixture.engine.db
    .selectFrom('slotkeeper.scheduled_tasks')
    .select('account_id')
    .where('kind', 'in', kinds)
    .where('token', 'is', null)
    .where('next_at', '>', new Date(fixture.engine.now()));
  await eventually(async () => (await ended.execute()).length === 2 * kinds.length);
  return await dueIn(fixture, kind);
}

describe('pulling', () => {
  test('continues until nothing remains, and then waits for its interval', async () => {
    const clinic = await pullingFixture();
    const { fixture, items, timers, skip } = clinic;
    await runTask(clinic, 'pull');
    const before = pulls(fixture).length;
    addBreaks(fixture, 101);
    await timers.advance(3 * TASKS_MS);
    expect(await items()).toEqual([]);
    skip(HOUR);
    expect(await runTask(clinic, 'pull')).toBe(HOUR);
    expect(await items()).toHaveLength(101);
    // No more: had it not waited for its time, it had pulled once more at it.
    expect(
      pulls(fixture)
        .slice(before)
        .map(({ status }) => status),
    ).toEqual([200, 200]);
    expect((await items())[0]).toMatchObject({ name: 'break-created', calendar: 'nowak' });
  });

  test('and pushing at the same time notify the clinic once', async () => {
    const clinic = await shared({ notifications: { mode: 'both', pullEverySeconds: 1 } });
    const { fixture, items, call } = clinic;
    fixture.sandbox.setEstate(undefined, clients('both', { url: `${call.url}${PUSH}`, apiKey: API_KEY }));
    await fixture.untilAtRest();
    addBreaks(fixture, 5);
    await eventually(() => fixture.sandbox.deliveries.filter(({ status }) => status === 200).length === 5);
    expect(await items()).toHaveLength(5);
    await runTask(clinic, 'pull', 'redelivery');
    expect(pulls(fixture).some(({ status }) => status === 200)).toBe(true);
    expect(await items()).toHaveLength(5);
  });

  test('is done by one engine at a time, and each notification is delivered once', async () => {
    const url = await postgresDatabase();
    const { fixture } = await pullingFixture();
    const { sandbox } = fixture;
    sandbox.setEstate(undefined, [...clients('pull'), { id: 'shared', secret: 'secret' }]);
    const encryptionKey = randomBytes(32).toString('base64');
    const timers = new ManualTimers();
    const engines = [0, 1, 2].map(
      () =>
        new Slotkeeper({
          databaseUrl: url,
          encryptionKey,
          log: createLog('silent'),
          now: timers.now,
          timers,
          config: {
            accounts: [
              {
                id: 'shared',
                baseUrl: sandbox.url,
                clientId: 'shared',
                clientSecret: 'secret',
                timeZone: ZONE,
                notifications: { mode: 'pull', pullEverySeconds: 1 },
              },
            ],
            calendars: [{ id: 'nowak', account: 'shared', ...addressOf('nowak') }],
            publish: { timeoutMs: 60_000, lockMs: 60_000 },
          },
        }),
    );
    for (const engine of engines) atEndOfTest(() => engine.stop());
    const isIdle = async () => {
      const scheduledTasks = engines[0]?.db
        .selectFrom('slotkeeper.scheduled_tasks')
        .where('kind', '=', 'pull')
        .where('token', 'is', null)
        .where('next_at', '>', new Date(timers.now()));
      return (await scheduledTasks?.select('account_id').execute())?.length === 1;
    };
    for (const engine of engines) {
      await engine.start();
      await eventually(isIdle);
    }
    const asked = () =>
      sandbox.requests.filter(
        ({ operation, client }) => operation === 'getNotifications' && client === 'shared',
      ).length;
    const before = asked();
    addBreaks(fixture, 101);
    // Answered when the faults are cleared.
    const match = { operation: 'getNotifications', client: 'shared' };
    sandbox.faults.set([{ fault: { kind: 'latency', ms: 600_000 }, match }]);
    await timers.advance(1_000);
    await eventually(() => asked() === before + 1);
    await timers.advance(5_000);
    sandbox.faults.clear();
    await eventually(isIdle);
    const [first] = engines;
    expect((await first?.notifications({ limit: 1_000 }))?.items).toHaveLength(101);
    // What another had begun meanwhile has ended, too.
    await Promise.all(engines.map((engine) => engine.stop()));
    expect(asked()).toBe(before + 2);
  });

  test.each([
    ['an error of the server', { kind: 'status', status: 500 }, 0, 10_000],
    ['a limit that says until when', { kind: 'too-many', retryAfter: 77 }, 70_000, 78_000],
    ['the firewall', { kind: 'firewall', status: 405 }, 30_000, HOUR - 1],
  ] as const)('backs off after %s', async (_, fault, least, most) => {
    const clinic = await pullingFixture();
    const { fixture } = clinic;
    await fixture.untilAtRest();
    fixture.sandbox.faults.set([{ fault, match: { operation: 'getNotifications' } }]);
    const waits = await runTask(clinic, 'pull');
    expect(pulls(fixture)).toHaveLength(1);
    expect(waits).toBeGreaterThanOrEqual(least);
    expect(waits).toBeLessThanOrEqual(most);
    if (fault.kind === 'firewall') {
      const paused = await fixture.engine.db
        .selectFrom('slotkeeper.accounts')
        .select('paused_until')
        .where('id', '=', 'many')
        .executeTakeFirst();
      expect(paused?.paused_until?.getTime()).toBeGreaterThan(fixture.engine.now());
    }
  });

  test('uses nothing of the allowance of writes, however little is left', async () => {
    // What is to be read waits for the next hour in the queue, so nobody else has this engine.
    const notifications = { mode: 'pull', pullEverySeconds: 1 } as const;
    const clinic = await openNotificationFixture({ notifications, sandbox: { clients: clients('pull') } });
    const { fixture } = clinic;
    await fixture.untilAtRest();
    await fixture.engine.putAccount({
      ...(await fixture.account()),
      // Of all requests six are not kept for writes.
      limits: { writesPerMinute: 40, writesPerHour: 6, requestsPerHour: 12 },
    });
    await fixture.engine.db.deleteFrom('slotkeeper.requests').execute();
    // Until it is refused.
    let rounds = 0;
    while ((await runTask(clinic, 'pull')) <= TASKS_MS && rounds < 20) rounds += 1;
    expect(rounds).toBeGreaterThan(2);
    expect(rounds).toBeLessThan(7);
    const spent = await fixture.engine.db
      .selectFrom('slotkeeper.requests')
      .selectAll()
      .where('account_id', '=', 'many')
      .execute();
    expect(spent.every(({ write }) => !write)).toBe(true);
    expect(spent.length).toBeLessThanOrEqual(6);
    await fixture.book('apt-1', '10:20', '10:40');
    await eventually(() => !fixture.shown().includes('10:20'));
  });

  test('is not started by a process that stops while it acquires the task, and another process runs it', async () => {
    const clinic = await pullingFixture();
    const { fixture, timers } = clinic;
    const asked: string[] = [];
    let looks = 0;
    let stopping: Promise<void> | undefined;
    const scheduledTasks = new ScheduledTasks({
      db: fixture.engine.db,
      scheduledTask: {
        kind: 'pull',
        isEnabled: ({ id }) => id === 'many',
        run: async ({ id }) => asked.push(id),
        retryAfterMs: async () => 1,
      },
      log: fixture.engine.log,
      now: () => {
        looks += 1;
        // The first is for what is due; at the second it takes the errand.
        if (looks === 2) stopping = scheduledTasks.stop();
        return fixture.engine.now();
      },
      timers,
      everyMs: TASKS_MS,
      leaseMs: HOUR,
    });
    await scheduledTasks.runOnce();
    await scheduledTasks.waitForRunning();
    await stopping;
    expect({ looks, asked }).toEqual({ looks: 2, asked: [] });
    await runTask(clinic, 'pull');
    expect(pulls(fixture)).toHaveLength(1);
  });
});

describe('a pulled batch', () => {
  const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const client = {
    pullNotifications: async () => ({
      notifications: [{ name: 'unknown', problem: 'x', raw: 1 }],
      remaining: 0,
    }),
  } as unknown as DocplannerClient;

  const lines: string[] = [];
  const sleeps: number[] = [];
  beforeEach(() => {
    lines.splice(0);
    sleeps.splice(0);
  });

  function puller(take: (subjects: readonly NotificationSubject[]) => Promise<void>, stopping: AbortSignal) {
    return createPullTask({
      client: () => client,
      ingest: (_, subjects) => take(subjects),
      now: Date.now,
      backoff: async () => 1,
      stopping,
      log: pino({ level: 'error' }, { write: (line) => void lines.push(line) }),
      timers: {
        elapsed: () => 0,
        every: () => () => undefined,
        sleep: async (ms) => void sleeps.push(ms),
      },
    });
  }

  test('is committed once the database is available, also when the process is stopping', async () => {
    const stopping = new AbortController();
    let attempts = 0;
    const kept: NotificationSubject[] = [];
    const { run } = puller(async (subjects) => {
      attempts += 1;
      if (attempts === 1) stopping.abort();
      if (attempts < 3) throw away;
      kept.push(...subjects);
    }, stopping.signal);
    await run(account(), async () => false);
    expect(kept).toHaveLength(1);
  });

  test('does not delay a stopping process forever', async () => {
    const { run } = puller(async () => {
      throw away;
    }, AbortSignal.abort());
    await expect(run(account(), async () => true)).rejects.toThrow('ECONNREFUSED');
    expect(sleeps).toEqual(Array.from({ length: 10 }, () => 1_000));
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { account: 'warsaw', count: 1, reason: 'Error', msg: expect.stringContaining('are lost') },
    ]);
  });

  const coded = (code: string) => Object.assign(new Error(`${code}: planted words`), { code });

  test.each([
    ['only reads after a failover', '25006'],
    ['cancels what takes too long', '57014'],
  ])('waits, however long, for a record that %s', async (_, code) => {
    let attempts = 0;
    const { run } = puller(async () => {
      attempts += 1;
      if (attempts < 40) throw coded(code);
    }, new AbortController().signal);
    await run(account(), async () => false);
    expect(attempts).toBe(40);
    expect(lines).toEqual([]);
  });

  test('is retried for any other error too, and its loss is logged without a value', async () => {
    let attempts = 0;
    let fails = 3;
    const kept = { task: 0 };
    const { run } = puller(async () => {
      attempts += 1;
      if (attempts <= fails) throw coded('42P01');
    }, new AbortController().signal);
    const renewTask = async () => {
      kept.task += 1;
      return true;
    };
    await run(account(), renewTask);
    expect({ attempts, task: kept.task }).toEqual({ attempts: 4, task: 3 });
    fails = Number.POSITIVE_INFINITY;
    await expect(run(account(), renewTask)).rejects.toThrow('42P01');
    expect(attempts).toBe(34);
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('planted');
  });
});

test('a task of a crashed process is acquired by another when its lease has expired, and not before', async () => {
  const { fixture } = await shared();
  const { db } = fixture.engine;
  const now = new Date(fixture.engine.now());
  const take = (token: string, ms: number) => acquireTask(db, 'many', 'pull', token, ms, now);
  const due = () => findDueTasks(db, 'pull', ['many', 'alone'], now);
  expect(await due()).toEqual(new Set(['many', 'alone']));
  const dead = await take('dead', HOUR);
  if (dead === undefined) throw new Error('nobody has it');
  expect(await due()).toEqual(new Set(['alone']));
  expect(await take('next', HOUR)).toBeUndefined();
  // Its time has run out.
  await sql`
    UPDATE slotkeeper.scheduled_tasks SET until = now() - interval '1 second'
    WHERE account_id = 'many' AND kind = 'pull'`.execute(db);
  expect(await due()).toEqual(new Set(['many', 'alone']));
  expect(await take('next', HOUR)).toMatchObject({ token: 'next' });
  expect(await renewTask(db, dead, HOUR)).toBe(false);
  await releaseTask(db, dead, new Date(0), 0);
  expect(await take('third', HOUR)).toBeUndefined();
  const next = { ...dead, token: 'next' };
  await releaseTask(db, next, new Date(now.getTime() + MINUTE), 0);
  expect(await due()).toEqual(new Set(['alone']));
});

describe('failed pushes', () => {
  const releases = (fixture: ClinicFixture) =>
    fixture.requests('releaseNotifications').filter(({ client }) => client === 'many');

  test('are requested at the start, and then after an hour at most', async () => {
    const clinic = await shared({ clients: clients('push', NOWHERE) });
    const { fixture, call, items, timers, skip } = clinic;
    await runTask(clinic, 'redelivery');
    expect(releases(fixture).map(({ status }) => status)).toEqual([204]);
    addBreaks(fixture, 3);
    const attempted = (count: number) =>
      eventually(() => {
        const ended = fixture.sandbox.deliveries.filter(({ endedAt }) => endedAt !== undefined);
        return ended.length === count;
      });
    await attempted(3);
    for (const [n, minutes] of [1, 5, 15].entries()) {
      skip(minutes * MINUTE);
      await attempted(3 * (n + 2));
    }
    fixture.sandbox.setEstate(undefined, clients('push', { url: `${call.url}${PUSH}`, apiKey: API_KEY }));
    skip(30 * MINUTE);
    await timers.advance(3 * TASKS_MS);
    skip(35 * MINUTE);
    await runTask(clinic, 'redelivery');
    await eventually(async () => (await items()).length === 3);
    // Had it been asked for in between, this one were refused.
    expect(releases(fixture).map(({ status }) => status)).toEqual([204, 204]);
  });

  test('are requested at most daily by a client without pushes', async () => {
    const clinic = await shared({ clients: clients('pull') });
    expect(await runTask(clinic, 'redelivery')).toBeGreaterThan(23 * HOUR);
    expect(releases(clinic.fixture).map(({ status }) => status)).toEqual([403]);
  });

  const askAgain = async ({ engine }: ClinicFixture): Promise<void> => {
    await engine.db
      .updateTable('slotkeeper.scheduled_tasks')
      .set({ next_at: new Date(0) })
      .execute();
  };

  test('that are requested too early delay nothing else of the account', async () => {
    const clinic = await shared({ clients: clients('push', NOWHERE) });
    const { fixture } = clinic;
    await runTask(clinic, 'redelivery');
    await askAgain(fixture);
    expect(await runTask(clinic, 'redelivery')).toBeGreaterThan(50 * MINUTE);
    expect(releases(fixture).map(({ status }) => status)).toEqual([204, 429]);
    const paused = await fixture.engine.db
      .selectFrom('slotkeeper.accounts')
      .select('paused_until')
      .where('id', '=', 'many')
      .executeTakeFirst();
    expect(paused).toEqual({ paused_until: null });
    await fixture.book('apt-1', '10:20', '10:40');
    await fixture.untilAtRest();
    expect(fixture.shown()).not.toContain('10:20');
  });

  test('are not requested twice within an hour by a process that crashed or got no answer', async () => {
    const clinic = await openNotificationFixture({ sandbox: { clients: clients('push', NOWHERE) } });
    const { fixture, timers } = clinic;
    await eventually(async () => (await dueIn(fixture, 'redelivery')) > 0);
    fixture.sandbox.faults.set([
      { fault: { kind: 'hang', applied: true }, match: { operation: 'releaseNotifications' } },
    ]);
    await askAgain(fixture);
    await timers.advance(TASKS_MS);
    const underWay = await eventually(() =>
      fixture.engine.db
        .selectFrom('slotkeeper.scheduled_tasks')
        .select('next_at')
        .where('account_id', '=', 'many')
        .where('kind', '=', 'redelivery')
        .where('token', 'is not', null)
        .executeTakeFirst(),
    );
    expect(underWay.next_at.getTime() - fixture.engine.now()).toBeGreaterThan(HOUR);
    await eventually(() => releases(fixture).length === 2);
    // It cuts what hangs.
    await fixture.sandbox.stop();
    expect(await eventually(() => dueIn(fixture, 'redelivery'))).toBeGreaterThan(HOUR);
  });
});

test('a pulled notification that the database refuses does not affect others', async () => {
  const clinic = await pullingFixture();
  const { fixture, busy } = clinic;
  const odd = visitBooking(fixture, 'odd', '10:20', { end_at: fixture.at('10:20') });
  const bodies = [
    toPushBody('slot-booked', { visit_booking: odd }),
    toPushBody('slot-booked', { visit_booking: visitBooking(fixture, 'good', '11:00') }),
  ];
  const encryptor = openEncryptor({ encryptionKey: randomBytes(32).toString('base64'), folder: undefined });
  const subjects = bodies.map((body) => parseSubject(parseNotification(body), Date.now()));
  await ingestOrDeadLetter(subjects, async (some) => {
    await ingestNotifications(fixture.engine.db, encryptor, 'many', some, 'pull', Date.now());
  });
  expect(await busy()).toMatchObject([{ booking: 'good' }]);
  const rows = await fixture.engine.db.selectFrom('slotkeeper.notifications').select('problem').execute();
  expect(rows.filter(({ problem }) => problem !== null)).toHaveLength(1);
  expect(rows).toHaveLength(2);
});
