// What a clinic is notified of that the engine itself has done: by a real webhook, where no time passes but what the test says.
import { describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import type { FileConfigInput } from '../../src/config/schema.js';
import { accountSchema, toAccount } from '../../src/config/schema.js';
import type { NotificationItem } from '../../src/db/tables/notification-item.js';
import { postgresDatabase } from '../db/databases.js';
import { ClinicFixture, ZONE } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { DeliveryFixture } from './delivery-fixture.js';
import { Receiver, SECRET } from './receiver.js';

const MINUTE = 60_000;
type Events = NonNullable<FileConfigInput['delivery']>['events'];

async function open(events: Events) {
  const receiver = await Receiver.start();
  const delivery = { url: receiver.url, secret: SECRET, events };
  const clinic = await ClinicFixture.open({ still: true, random: () => 0, delivery });
  receiver.now = clinic.engine.now;
  const isDelivered = async () => {
    const { rows } = await sql`SELECT FROM slotkeeper.changes_to_notify LIMIT 1`.execute(clinic.engine.db);
    return rows.length === 0 && (await clinic.engine.status()).notifications.undelivered === 0;
  };
  const items = (): NotificationItem[] => receiver.received.map(({ item }) => item);
  return { receiver, clinic, items, untilDelivered: () => clinic.until(isDelivered) };
}

describe('a clinic that asks for it', () => {
  test('is notified of a published day, with the appointments whose events it contains', async () => {
    const { receiver, clinic, items, untilDelivered } = await open(['published']);
    await clinic.open();
    await clinic.untilAtRest();
    await untilDelivered();
    expect(items()).toMatchObject([{ name: 'published', data: { dates: [clinic.date] } }]);
    expect(items()[0]?.data).not.toHaveProperty('refs');

    receiver.reset();
    await clinic.book('apt-7', '10:20', '10:40');
    await clinic.untilAtRest();
    await untilDelivered();
    expect(items()).toMatchObject([
      { account: 'many', calendar: 'nowak', name: 'published', createdAt: null, booking: null, ref: null },
    ]);
    expect(items()[0]?.data).toEqual({
      calendar: 'nowak',
      dates: [clinic.date],
      refs: ['apt-7'],
      publishedAt: new Date(clinic.engine.now()).toISOString(),
    });
    const { items: feed } = await clinic.engine.notifications();
    expect(feed.at(-1)).toEqual(items()[0]);
    const { items: history } = await clinic.engine.history({ calendar: 'nowak', date: clinic.date });
    expect(history.at(-1)).toMatchObject({
      kind: 'notified',
      actor: 'engine',
      detail: { name: 'published' },
    });
  });

  test('receives few notifications of many changes that were published while its webhook was away', async () => {
    const { receiver, clinic, items, untilDelivered } = await open(['published']);
    receiver.answer = () => ({ status: 503 });
    const dates = Array.from({ length: 50 }, (_, n) => clinic.dateAfter(n));
    for (const [n, date] of dates.entries()) {
      await clinic.open('nowak', date);
      await clinic.book(`apt-${n}`, '10:20', '10:40', 'nowak', date);
      await clinic.untilAtRest();
    }
    receiver.reset();
    await untilDelivered();
    expect(items().length).toBeLessThanOrEqual(2);
    const told = items().flatMap((item) =>
      item.name === 'published' && item.data !== null ? [item.data] : [],
    );
    expect([...new Set(told.flatMap((data) => data.dates))].sort()).toEqual(dates);
    expect(new Set(told.flatMap((data) => data.refs ?? []))).toEqual(
      new Set(dates.map((_, n) => `apt-${n}`)),
    );
  });

  test('is notified once of a day that fails again and again, and of how it was closed', async () => {
    const { receiver, clinic, items, untilDelivered } = await open(['failed']);
    await clinic.open();
    await clinic.untilAtRest();
    clinic.sandbox.faults.set([
      { fault: { kind: 'status', status: 400 }, match: { operation: 'replaceSlots' } },
    ]);
    await clinic.book('apt', '10:20', '10:40');
    const failures = async (): Promise<number> => {
      const { rows } = await sql<{ failures: number }>`
        SELECT failures FROM slotkeeper.days WHERE date = ${clinic.date}`.execute(clinic.engine.db);
      return rows[0]?.failures ?? 0;
    };
    await clinic.until(async () => (await failures()) > 1);
    await untilDelivered();
    expect(items()).toMatchObject([
      {
        name: 'failed',
        calendar: 'nowak',
        data: { calendar: 'nowak', dates: [clinic.date], closedBy: 'break' },
      },
    ]);
    expect(items()[0]).toHaveProperty('data.reason', expect.stringMatching(/\S/));

    // Another change of the day fails anew.
    receiver.reset();
    await clinic.book('other', '10:00', '10:20');
    await clinic.until(async () => (await failures()) > 2);
    await untilDelivered();
    expect(items()).toMatchObject([{ name: 'failed' }]);
  });

  test('is notified once of a calendar that the marketplace refuses', async () => {
    const { clinic, items, untilDelivered } = await open(['failed']);
    clinic.sandbox.faults.set([
      { fault: { kind: 'status', status: 404 }, match: { operation: 'replaceSlots' } },
    ]);
    await clinic.open();
    await clinic.open('nowak', clinic.dateAfter(1));
    const failures = async (): Promise<number> => {
      const { rows } = await sql<{ failures: number }>`
        SELECT failures FROM slotkeeper.calendars WHERE id = 'nowak'`.execute(clinic.engine.db);
      return rows[0]?.failures ?? 0;
    };
    await clinic.until(async () => (await failures()) > 1);
    await untilDelivered();
    expect(items()).toMatchObject([
      { name: 'failed', data: { dates: expect.arrayContaining([clinic.date]) } },
    ]);
    expect(items()[0]?.data).not.toHaveProperty('closedBy');
  });

  test('is notified once of a pause by the firewall, however often it is extended, and once of its end', async () => {
    const { clinic, items, untilDelivered } = await open(['account-paused', 'account-resumed']);
    clinic.sandbox.faults.set([
      { fault: { kind: 'firewall', status: 405 }, match: { operation: 'replaceSlots' }, times: 3 },
    ]);
    await clinic.open();
    await clinic.untilAtRest();
    await untilDelivered();
    await clinic.passTime(MINUTE);
    expect(items()).toMatchObject([
      { name: 'account-paused', account: 'many', calendar: null },
      { name: 'account-resumed', account: 'many', calendar: null },
    ]);
    const [paused, resumed] = items().map(({ data }) => data as { until: string; reason: string });
    expect(paused).toEqual({ account: 'many', until: expect.any(String), reason: resumed?.reason });
    expect(Date.parse(paused?.until ?? '')).toBeLessThan(Date.parse(resumed?.until ?? ''));
    const { items: history } = await clinic.engine.history({ account: 'many', kind: 'paused' });
    expect(history.length).toBeGreaterThan(1);
  });

  test('is notified of the end of a pause that a change of the account ends', async () => {
    const { clinic, items, untilDelivered } = await open(['account-resumed']);
    clinic.sandbox.faults.set([
      { fault: { kind: 'firewall', status: 405 }, match: { operation: 'replaceSlots' }, times: 1 },
    ]);
    await clinic.open();
    const { db } = clinic.engine;
    await clinic.until(async () => {
      const paused = await db
        .selectFrom('slotkeeper.accounts')
        .select('id')
        .where('paused_reason', 'is not', null)
        .execute();
      return paused.length > 0;
    });
    const account = await clinic.account();
    await clinic.engine.putAccount({ ...account, limits: { ...account.limits, writesPerMinute: 39 } });
    await clinic.untilAtRest();
    await untilDelivered();
    expect(items()).toMatchObject([{ name: 'account-resumed' }]);
  });
});

test('a clinic that does not ask is notified of nothing that the engine has done', async () => {
  const { clinic, items } = await open(undefined);
  const faults = [
    { fault: { kind: 'firewall' as const, status: 405 as const }, times: 1 },
    { fault: { kind: 'status' as const, status: 400 }, match: { operation: 'replaceSlots' }, times: 1 },
  ];
  clinic.sandbox.faults.set(faults);
  await clinic.open();
  await clinic.untilAtRest();
  await clinic.until(async () => (await clinic.engine.status()).failed === 0);
  await clinic.passTime(MINUTE);
  expect(items()).toEqual([]);
  expect((await clinic.engine.notifications()).items).toEqual([]);
  const { rows } = await sql`SELECT FROM slotkeeper.changes_to_notify`.execute(clinic.engine.db);
  expect(rows).toEqual([]);
});

test('an account with a list of its own is notified of what it names', async () => {
  const { receiver, clinic, items, untilDelivered } = await open(['published']);
  const account = await clinic.account();
  const put = (events: Events) =>
    clinic.engine.putAccount({ ...account, delivery: { url: receiver.url, secret: SECRET, events } });
  await put(['failed']);
  await clinic.open();
  await clinic.untilAtRest();
  await put(['published']);
  await clinic.book('apt', '10:20', '10:40');
  await clinic.untilAtRest();
  await untilDelivered();
  expect(items()).toMatchObject([{ name: 'published', data: { refs: ['apt'] } }]);
  // With a webhook of its own and no list, that of all accounts applies.
  expect(
    toAccount(
      'many',
      accountSchema.parse({ ...configOf(account), delivery: { url: receiver.url, secret: SECRET } }),
    ).delivery,
  ).not.toHaveProperty('events');
});

const configOf = ({
  baseUrl,
  clientId,
  clientSecret,
}: {
  baseUrl: string;
  clientId: string;
  clientSecret: string;
}) => ({
  baseUrl,
  clientId,
  clientSecret,
  timeZone: ZONE,
});

describe('own notifications', () => {
  const own = (calendar: string) => ({ calendar, name: 'published', source: 'engine' as const, own: true });

  test('that a webhook refuses delay nothing of the same calendar that the marketplace sent', async () => {
    const receiver = await Receiver.start();
    const webhook = { url: receiver.url, secret: SECRET };
    const fixture = await DeliveryFixture.open({ databaseUrl: await postgresDatabase() }, { webhook });
    receiver.answer = ({ item }) => ({ status: item.name === 'published' ? 400 : 204 });
    await fixture.add(own('nowak'), own('nowak'));
    await fixture.sweep();
    await fixture.waitForFailures(1);
    const added = await fixture.addAndEnqueue({}, {}, {});
    await eventually(async () => (await fixture.delivery.status()).undelivered === 2);
    expect(receiver.received.filter(({ item }) => item.name !== 'published').map(({ id }) => id)).toEqual(
      added,
    );
  });

  test('that a slow webhook does not answer occupy none of the places of the others', async () => {
    const receiver = await Receiver.start();
    const webhook = { url: receiver.url, secret: SECRET };
    const fixture = await DeliveryFixture.open({ databaseUrl: await postgresDatabase() }, { webhook });
    let answer = (): void => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    let waiting = 0;
    receiver.answer = async ({ item }) => {
      if (item.name === 'published') {
        waiting += 1;
        await answered;
      }
      return { status: 204 };
    };
    const calendars = Array.from({ length: 12 }, (_, n) => `calendar-${n}`);
    await fixture.add(...calendars.map(own));
    await fixture.sweep();
    await eventually(() => waiting === 8);
    const added = await fixture.addAndEnqueue(...calendars.map((calendar) => ({ calendar })));
    const isReceived = () => added.every((id) => receiver.ids.includes(id));
    await eventually(isReceived);
    expect(waiting).toBe(8);
    answer();
    await eventually(async () => (await fixture.delivery.status()).undelivered === 0);
  });

  test('are on the queue of the PMS and in the feed, where only the sweep or a reader finds their changes', async () => {
    const fixture = await DeliveryFixture.open({ databaseUrl: await postgresDatabase() }, { queue: true });
    const { db } = fixture.database;
    const change = (calendar: string, dates: string[], refs: string[]) =>
      sql`
      INSERT INTO slotkeeper.changes_to_notify (account_id, calendar_id, name, at, dates, refs)
      VALUES ('warsaw', ${calendar}, 'published', now(), ${JSON.stringify(dates)}, ${JSON.stringify(refs)})`.execute(
        db,
      );
    await change('nowak', ['2026-11-17'], ['apt-1']);
    await change('lis', ['2026-11-18'], []);
    await change('nowak', ['2026-11-16', '2026-11-17'], ['apt-2', 'apt-1']);
    await fixture.sweep();
    await eventually(
      async () => (await fixture.delivery.counts())['slotkeeper-notifications']?.waiting === 2,
    );
    const { items, next } = await fixture.delivery.followFeed({ limit: 10 });
    expect(items).toMatchObject([
      { calendar: 'nowak', data: { dates: ['2026-11-16', '2026-11-17'], refs: ['apt-1', 'apt-2'] } },
      { calendar: 'lis', data: { dates: ['2026-11-18'] } },
    ]);

    const refs = Array.from({ length: 450 }, (_, n) => `apt-${n}`);
    await change('nowak', ['2026-11-16'], refs);
    const { items: many } = await fixture.delivery.followFeed({ limit: 10, after: next });
    const told = many.flatMap(({ data }) => (data as { refs: string[] }).refs);
    expect(many).toHaveLength(3);
    expect(told).toEqual(refs);
  });
});
