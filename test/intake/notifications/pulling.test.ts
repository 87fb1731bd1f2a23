// What is asked of the marketplace again and again: its notifications, and to send failed pushes once more.

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { pino } from 'pino';
import { toIso } from '../../../src/core/index.js';
import { type DocplannerClient, parseNotification } from '../../../src/docplanner/index.js';
import { openSealer } from '../../../src/engine/encryption.js';
import { Slotkeeper } from '../../../src/engine.js';
import { pulling } from '../../../src/intake/notifications/pull.js';
import { takeOrSetAside } from '../../../src/intake/notifications/set-aside.js';
import { type Subject, subjectOf } from '../../../src/intake/notifications/subject.js';
import { takeNotifications } from '../../../src/intake/notifications/take.js';
import { systemTimers } from '../../../src/lib/timers.js';
import { createLog } from '../../../src/log.js';
import { dueErrands, endErrand, keepErrand, takeErrand } from '../../../src/store/errands.js';
import { addressOf, type Desk, ZONE } from '../../chaos/desk.js';
import { recordDatabase } from '../../store/databases.js';
import { eventually } from '../../support/eventually.js';
import { atEndOfTest } from '../../support/release.js';
import { API_KEY, type Hearing, hearing, PUSH, said, visitBooking } from './heard.js';

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

async function pullingDesk(more: Parameters<typeof hearing>[0] = {}): Promise<Hearing> {
  return await hearing({
    notifications: { mode: 'pull', pullEverySeconds: 3_600 },
    sandbox: { clients: clients('pull') },
    random: () => 0.5,
    ...more,
  });
}

/** So many things that are told: the doctor is not there for a minute, again and again. */
function says(desk: Desk, times: number): void {
  const first = Date.parse(desk.at('12:00'));
  const instant = (minutes: number) => toIso(first + minutes * MINUTE, ZONE);
  for (let n = 0; n < times; n += 1) {
    desk.sandbox.addBreak(addressOf('nowak'), { since: instant(2 * n), till: instant(2 * n + 1) });
  }
}

const pulls = (desk: Desk) => desk.requests('getNotifications').filter(({ client }) => client === 'many');

/** When the account's errand is due again, from now, in milliseconds. */
async function dueIn(desk: Desk, kind: 'pull' | 'release'): Promise<number> {
  const row = await desk.engine.db
    .selectFrom('slotkeeper.errands')
    .selectAll()
    .where('account_id', '=', 'many')
    .where('kind', '=', kind)
    .executeTakeFirst();
  return row === undefined || row.token !== null ? 0 : row.next_at.getTime() - desk.engine.now();
}

describe('pulling', () => {
  test('goes on until nothing remains, and then waits for its time', async () => {
    let now = Date.now();
    const clinic = await pullingDesk({ now: () => now });
    const { desk, items } = clinic;
    await desk.rest();
    await eventually(() => dueIn(desk, 'pull'));
    const before = pulls(desk).length;
    says(desk, 250);
    await sleep(1_200);
    expect(pulls(desk)).toHaveLength(before);
    now += HOUR;
    await eventually(async () => (await items()).length === 250, { within: 20_000 });
    await eventually(() => dueIn(desk, 'pull'));
    expect(
      pulls(desk)
        .slice(before)
        .map(({ status }) => status),
    ).toEqual([200, 200, 200]);
    expect((await items())[0]).toMatchObject({ name: 'break-created', calendar: 'nowak' });
  });

  test('and pushing at the same time tell the clinic once', async () => {
    const clinic = await hearing({
      notifications: { mode: 'both', apiKey: API_KEY, pullEverySeconds: 1 },
    });
    const { desk, items, call } = clinic;
    desk.sandbox.setEstate(undefined, clients('both', { url: `${call.url}${PUSH}`, apiKey: API_KEY }));
    await desk.rest();
    says(desk, 5);
    await eventually(() => desk.sandbox.deliveries.filter(({ status }) => status === 200).length === 5);
    await eventually(() => pulls(desk).some(({ status }) => status === 200));
    await eventually(async () => (await dueIn(desk, 'pull')) > 0);
    expect(await items()).toHaveLength(5);
  });

  test('is done by one engine at a time, and each notification comes once', async () => {
    const url = await recordDatabase();
    const sandboxed = await pullingDesk();
    const { sandbox } = sandboxed.desk;
    sandbox.setEstate(undefined, [...clients('pull'), { id: 'shared', secret: 'secret' }]);
    const encryptionKey = randomBytes(32).toString('base64');
    const engines = [0, 1, 2].map(
      () =>
        new Slotkeeper({
          databaseUrl: url,
          encryptionKey,
          log: createLog('silent'),
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
          },
        }),
    );
    for (const engine of engines) atEndOfTest(() => engine.stop());
    for (const engine of engines) await engine.start();
    await sandboxed.desk.rest();
    sandbox.faults.set([{ fault: { kind: 'latency', ms: 150 }, match: { operation: 'getNotifications' } }]);
    says(sandboxed.desk, 120);
    const [first] = engines;
    const told = async () => (await first?.notifications({ limit: 1_000 }))?.items ?? [];
    await eventually(async () => (await told()).length === 120, { within: 20_000 });
    await sleep(1_500);
    const asked = sandbox.requests.filter(
      ({ operation, client }) => operation === 'getNotifications' && client === 'shared',
    );
    for (const [n, { receivedAt }] of asked.entries()) {
      const before = asked[n - 1];
      if (before !== undefined) expect(before.answeredAt).toBeLessThanOrEqual(receivedAt);
    }
    expect(await told()).toHaveLength(120);
    await Promise.all(engines.map((engine) => engine.stop()));
  });

  test.each([
    ['an error of the server', { kind: 'status', status: 500 }, 0, 10_000],
    ['a limit that says until when', { kind: 'too-many', retryAfter: 77 }, 70_000, 78_000],
    ['the firewall', { kind: 'firewall', status: 405 }, 30_000, HOUR],
  ] as const)('backs off after %s', async (_, fault, least, most) => {
    const { desk } = await pullingDesk({ sandbox: { clients: clients('pull') } });
    await desk.rest();
    await eventually(async () => (await dueIn(desk, 'pull')) > 10 * MINUTE);
    desk.sandbox.faults.set([{ fault, match: { operation: 'getNotifications' } }]);
    await desk.engine.db
      .updateTable('slotkeeper.errands')
      .set({ next_at: new Date(0) })
      .execute();
    const waits = await eventually(async () => {
      const after = await dueIn(desk, 'pull');
      return after < 50 * MINUTE && desk.requests('getNotifications').some(({ fault: met }) => met) && after;
    });
    expect(waits).toBeGreaterThanOrEqual(least);
    expect(waits).toBeLessThanOrEqual(most);
    if (fault.kind === 'firewall') {
      const account = await desk.engine.db
        .selectFrom('slotkeeper.accounts')
        .select('paused_until')
        .where('id', '=', 'many')
        .executeTakeFirst();
      expect(account?.paused_until?.getTime()).toBeGreaterThan(Date.now());
    }
  });

  test('takes nothing from what writes may spend, however little there is', async () => {
    const { desk } = await pullingDesk();
    await desk.rest();
    const { notifications, ...account } = await desk.account();
    await desk.engine.putAccount({
      ...account,
      notifications: { ...notifications, pullEverySeconds: 1 },
      // Of all requests six are not kept for writes.
      limits: { writesPerMinute: 40, writesPerHour: 6, requestsPerHour: 12 },
    });
    await desk.engine.db.deleteFrom('slotkeeper.requests').execute();
    await desk.engine.db
      .updateTable('slotkeeper.errands')
      .set({ next_at: new Date(0) })
      .execute();
    const before = pulls(desk).length;
    await eventually(() => pulls(desk).length > before + 2, { within: 20_000 });
    // Until it is refused: every second once, for more than six seconds.
    await sleep(6_000);
    const spent = await desk.engine.db
      .selectFrom('slotkeeper.requests')
      .selectAll()
      .where('account_id', '=', 'many')
      .execute();
    expect(spent.every(({ write }) => !write)).toBe(true);
    expect(spent.length).toBeLessThanOrEqual(6);
    await desk.book('apt-1', '10:20', '10:40');
    await eventually(() => !desk.shown().includes('10:20'));
  });

  test('is left to others by a process that has no key to seal with, and it says so once', async () => {
    const clinic = await pullingDesk({ notifications: { mode: 'off' } });
    const { desk } = clinic;
    const lines: string[] = [];
    const keyless = new Slotkeeper({
      databaseUrl: await recordDatabase(),
      roles: ['worker'],
      log: pino({ level: 'error' }, { write: (line) => void lines.push(line) }),
      config: {
        accounts: [{ ...(await desk.account()), notifications: { mode: 'off' } }],
        publish: { sweepSeconds: 0.3 },
      },
    });
    atEndOfTest(() => keyless.stop());
    await keyless.start();
    // What a process with the key does while this one runs.
    await keyless.db
      .updateTable('slotkeeper.accounts')
      .set({ settings: JSON.stringify({ notifications: { mode: 'both', pullEverySeconds: 1 } }) })
      .execute();
    says(desk, 3);
    await eventually(() => lines.length > 0);
    await sleep(2_500);
    expect(pulls(desk)).toEqual([]);
    expect(desk.requests('releaseNotifications')).toEqual([]);
    expect(desk.requests('getBookings')).toEqual([]);
    expect(lines.filter((line) => line.includes('no encryption key'))).toHaveLength(1);
  });
});

describe('what was handed out', () => {
  const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const client = {
    pullNotifications: async () => ({
      notifications: [{ name: 'unknown', problem: 'x', raw: 1 }],
      remaining: 0,
    }),
  } as unknown as DocplannerClient;

  const lines: string[] = [];
  beforeEach(() => void lines.splice(0));

  function puller(take: (subjects: readonly Subject[]) => Promise<void>, stopping: AbortSignal) {
    return pulling({
      marketplace: () => client,
      take: (_, subjects) => take(subjects),
      now: Date.now,
      backoff: async () => 1,
      stopping,
      log: pino({ level: 'error' }, { write: (line) => void lines.push(line) }),
      timers: { ...systemTimers, sleep: async () => undefined },
    });
  }

  test('is committed once the record is back, also when the process is told to stop meanwhile', async () => {
    const { desk } = await pullingDesk();
    const stopping = new AbortController();
    let attempts = 0;
    const kept: Subject[] = [];
    const { run } = puller(async (subjects) => {
      attempts += 1;
      if (attempts === 1) stopping.abort();
      if (attempts < 3) throw away;
      kept.push(...subjects);
    }, stopping.signal);
    await run(await desk.account(), async () => false);
    expect(kept).toHaveLength(1);
  });

  test('does not keep a process that is told to stop for ever', async () => {
    const { desk } = await pullingDesk();
    const { run } = puller(async () => {
      throw away;
    }, AbortSignal.abort());
    const begun = performance.now();
    await expect(run(await desk.account(), async () => true)).rejects.toThrow('ECONNREFUSED');
    expect(performance.now() - begun).toBeGreaterThan(1_000);
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { account: 'many', count: 1, reason: 'Error', msg: expect.stringContaining('are lost') },
    ]);
  });

  const coded = (code: string) => Object.assign(new Error(`${code}: planted words`), { code });

  test.each([
    ['only reads after a failover', '25006'],
    ['cancels what takes too long', '57014'],
  ])('waits, however long, for a record that %s', async (_, code) => {
    const { desk } = await pullingDesk();
    let attempts = 0;
    const { run } = puller(async () => {
      attempts += 1;
      if (attempts < 40) throw coded(code);
    }, new AbortController().signal);
    await run(await desk.account(), async () => false);
    expect(attempts).toBe(40);
    expect(lines).toEqual([]);
  });

  test('is tried again for any other reason, too, and its loss is told without a value', async () => {
    const { desk } = await pullingDesk();
    let attempts = 0;
    let fails = 3;
    const kept = { errand: 0 };
    const { run } = puller(async () => {
      attempts += 1;
      if (attempts <= fails) throw coded('42P01');
    }, new AbortController().signal);
    const keepErrand = async () => {
      kept.errand += 1;
      return true;
    };
    await run(await desk.account(), keepErrand);
    expect({ attempts, errand: kept.errand }).toEqual({ attempts: 4, errand: 3 });
    fails = Number.POSITIVE_INFINITY;
    await expect(run(await desk.account(), keepErrand)).rejects.toThrow('42P01');
    expect(attempts).toBe(34);
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('planted');
  });
});

test('an errand of a process that died is taken over when its time has run out, and not before', async () => {
  const { desk } = await hearing();
  const { db } = desk.engine;
  const now = new Date();
  const take = (token: string, ms: number) => takeErrand(db, 'many', 'pull', token, ms, now);
  const due = () => dueErrands(db, 'pull', ['many', 'alone'], now);
  expect(await due()).toEqual(new Set(['many', 'alone']));
  const dead = await take('dead', 60_000);
  if (dead === undefined) throw new Error('nobody has it');
  expect(await due()).toEqual(new Set(['alone']));
  expect(await take('next', 5_000)).toBeUndefined();
  // Its time, a minute, has run out.
  await sql`
    UPDATE slotkeeper.errands SET until = now() - interval '1 second'
    WHERE account_id = 'many' AND kind = 'pull'`.execute(db);
  expect(await due()).toEqual(new Set(['many', 'alone']));
  expect(await take('next', 60_000)).toMatchObject({ token: 'next' });
  expect(await keepErrand(db, dead, 5_000)).toBe(false);
  await endErrand(db, dead, new Date(0), 0);
  expect(await take('third', 5_000)).toBeUndefined();
  const next = { ...dead, token: 'next' };
  await endErrand(db, next, new Date(now.getTime() + MINUTE), 0);
  expect(await due()).toEqual(new Set(['alone']));
});

describe('failed pushes', () => {
  const releases = (desk: Desk) =>
    desk.requests('releaseNotifications').filter(({ client }) => client === 'many');

  test('are asked for at the start, and then after an hour at most', async () => {
    let now = Date.now();
    const clinic = await hearing({ now: () => now, sandbox: { clients: clients('push', NOWHERE) } });
    const { desk, call, items } = clinic;
    await eventually(() => releases(desk).some(({ status }) => status === 204));
    await eventually(async () => (await dueIn(desk, 'release')) > 0);
    const before = releases(desk).length;
    await desk.rest();
    says(desk, 3);
    for (const minutes of [1, 5, 15]) {
      now += minutes * MINUTE;
      desk.sandbox.clock.advance(0);
      await sleep(100);
    }
    desk.sandbox.setEstate(undefined, clients('push', { url: `${call.url}${PUSH}`, apiKey: API_KEY }));
    now += 30 * MINUTE;
    await sleep(1_500);
    expect(releases(desk)).toHaveLength(before);
    now += 35 * MINUTE;
    await eventually(() => releases(desk).length === before + 1);
    await eventually(async () => (await items()).length === 3);
  });

  test('are not asked for more than daily by a client that is not pushed to', async () => {
    const { desk } = await hearing({ sandbox: { clients: clients('pull') } });
    await eventually(async () => (await dueIn(desk, 'release')) > 23 * HOUR);
    expect(releases(desk).map(({ status }) => status)).toEqual([403]);
  });

  const errand = (desk: Desk) =>
    desk.engine.db
      .selectFrom('slotkeeper.errands')
      .select(['token', 'next_at'])
      .where('account_id', '=', 'many')
      .where('kind', '=', 'release')
      .executeTakeFirst();

  /** After the first release of the start. */
  async function released(timeoutMs?: number): Promise<Desk> {
    const sandbox = { clients: clients('push', NOWHERE) };
    const { desk } = await hearing({ sandbox, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    await eventually(async () => (await dueIn(desk, 'release')) > 0);
    return desk;
  }

  const askAgain = async ({ engine }: Desk): Promise<void> => {
    await engine.db
      .updateTable('slotkeeper.errands')
      .set({ next_at: new Date(0) })
      .execute();
  };

  test('that are asked for too soon keep nothing else of the account waiting', async () => {
    const desk = await released();
    await askAgain(desk);
    await eventually(() => releases(desk).some(({ status }) => status === 429));
    await eventually(async () => (await dueIn(desk, 'release')) > 50 * MINUTE);
    const account = await desk.engine.db
      .selectFrom('slotkeeper.accounts')
      .select('paused_until')
      .where('id', '=', 'many')
      .executeTakeFirst();
    expect(account).toEqual({ paused_until: null });
    await desk.book('apt-1', '10:20', '10:40');
    await desk.rest();
    expect(desk.shown()).not.toContain('10:20');
  });

  test('are not asked for twice within an hour by one that died or got no answer', async () => {
    const desk = await released(2_000);
    desk.sandbox.faults.set([
      { fault: { kind: 'hang', applied: true }, match: { operation: 'releaseNotifications' } },
    ]);
    await askAgain(desk);
    const underWay = await eventually(async () => {
      const row = await errand(desk);
      return row?.token ? row : undefined;
    });
    expect(underWay.next_at.getTime() - desk.engine.now()).toBeGreaterThan(HOUR);
    expect(await eventually(() => dueIn(desk, 'release'))).toBeGreaterThan(HOUR);
  });
});

test('bodies that are pulled, and that the record will not have, take no others along', async () => {
  const clinic = await pullingDesk();
  const { desk, busy } = clinic;
  const odd = visitBooking(desk, 'odd', '10:20', { end_at: desk.at('10:20') });
  const bodies = [
    said('slot-booked', { visit_booking: odd }),
    said('slot-booked', { visit_booking: visitBooking(desk, 'good', '11:00') }),
  ];
  const sealer = openSealer({ encryptionKey: randomBytes(32).toString('base64'), folder: undefined });
  const subjects = bodies.map((body) => subjectOf(parseNotification(body), Date.now()));
  await takeOrSetAside(subjects, async (some) => {
    await takeNotifications(desk.engine.db, sealer, 'many', some, 'pull', Date.now());
  });
  expect(await busy()).toMatchObject([{ booking: 'good' }]);
  const rows = await desk.engine.db.selectFrom('slotkeeper.notifications').select('problem').execute();
  expect(rows.filter(({ problem }) => problem !== null)).toHaveLength(1);
  expect(rows).toHaveLength(2);
});
