// Retrying and dropping failures by their ids: each kind, and many at once.
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type KyselyPlugin, sql } from 'kysely';
import { type Database, openDatabase } from '../../src/db/database.js';
import type { Db } from '../../src/db/schema.js';
import { putAccount } from '../../src/db/tables/accounts.js';
import { putCalendar } from '../../src/db/tables/calendars.js';
import { type ResolveFailuresOptions, resolveFailures } from '../../src/maintenance/resolve-failures.js';
import { deleteAllRows, postgresDatabase } from '../db/databases.js';
import { account, calendar, ENCRYPTOR, NOW } from '../db/seed-rows.js';
import { atEndOfFile } from '../support/release.js';

const FAILED = 1_500;
let database: Database;
let done: string[];
let statements: number;

const counting: KyselyPlugin = {
  transformQuery: ({ node }) => {
    statements += 1;
    return node;
  },
  transformResult: async ({ result }) => result,
};

beforeAll(async () => {
  database = await openDatabase({ url: await postgresDatabase() });
  atEndOfFile(() => database.close());
});

beforeEach(async () => {
  const { db } = database;
  await deleteAllRows(db);
  done = [];
  await putAccount(db, account(), NOW, ENCRYPTOR);
  await putCalendar(db, calendar(), NOW);
  await putCalendar(db, calendar({ id: 'lis', addressId: 'other' }), NOW);
  await failEverything(db);
  statements = 0;
});

async function failEverything(db: Db): Promise<void> {
  await sql`UPDATE slotkeeper.calendars SET failed_reason = 'refused', failed_at = ${NOW} WHERE id = 'lis'`.execute(
    db,
  );
  await sql`
    INSERT INTO slotkeeper.days (calendar_id, date, generation, published_generation, failed_generation, error)
    SELECT 'nowak', date '2026-01-01' + n, 2, 1, 2, '{"reason":"refused"}'::jsonb FROM generate_series(1, ${FAILED}::integer) n
    UNION ALL SELECT 'lis', date '2026-01-01', 2, 1, NULL, NULL::jsonb`.execute(db);
  await sql`
    INSERT INTO slotkeeper.address_services (calendar_id, id, name, gone_since)
    VALUES ('nowak', 'gone', 'Visit', ${NOW}), ('nowak', 'there', 'Visit', NULL)`.execute(db);
  await sql`
    INSERT INTO slotkeeper.bookings (id, calendar_id, start_at, end_at, status, placeholder, failed_for, failed_reason, updated_at)
    VALUES ('1', 'nowak', ${NOW}, ${NOW}::timestamptz + interval '1 hour', 'booked', false, 'x', 'refused', ${NOW})`.execute(
    db,
  );
  await sql`TRUNCATE slotkeeper.rejected_events`.execute(db);
  await sql`
    INSERT INTO slotkeeper.rejected_events (id, data, reason, at)
    OVERRIDING SYSTEM VALUE VALUES (1, '{"id":"e"}', 'odd', ${NOW}), (2, NULL, 'too long', ${NOW})`.execute(
    db,
  );
  await sql`
    INSERT INTO slotkeeper.notifications (seq, id, account_id, calendar_id, name, hash, received_at, source, problem)
    SELECT n, 'ntf_' || n, 'warsaw', 'nowak', 'unknown', 'h' || n, ${NOW}, 'push', 'odd'
    FROM generate_series(1, ${FAILED}::integer) n`.execute(db);
}

const record =
  (operation: string) =>
  async (subject: unknown): Promise<void> =>
    void done.push(`${operation} ${JSON.stringify(subject)}`);

const resolve = (verb: 'retry' | 'drop', ids: readonly string[]) => {
  const options: ResolveFailuresOptions = {
    db: database.db.withPlugin(counting),
    occupancyQueue: { addBulk: record('add') } as unknown as ResolveFailuresOptions['occupancyQueue'],
    enqueuer: { enqueueCalendar: record('enqueue') },
    delivery: {
      retryNow: record('deliver'),
      retryClinic: async (account) => {
        await record('clinic')(account);
        return account === 'warsaw';
      },
    },
    clients: { renew: () => undefined },
    linker: { unlink: record('unlink') },
    now: () => NOW.getTime(),
  };
  return resolveFailures(options, verb, ids, 'api');
};

const EACH = [
  'day/nowak/2026-01-02',
  'calendar/lis',
  'service/nowak/gone',
  'booking/nowak/1',
  'event/1',
  'notification/ntf_1',
];
const UNKNOWN = [
  'day/nowak/2025-01-01',
  'day/lis/2026-01-01',
  'day/nowak/soon',
  'calendar/nowak',
  'service/nowak/there',
  'booking/nowak/2',
  'event/3',
  'event/x',
  'notification/ntf_0',
  'delivery/nobody',
  'nonsense',
  '',
  'calendar/a\0b',
  'booking/nowak/\ud800',
];

describe.each(['retry', 'drop'] as const)('a %s', (verb) => {
  test('resolves failures of every kind, returns unknown ids, and finds no failure a second time', async () => {
    const result = await resolve(verb, [...EACH, ...UNKNOWN, ...EACH]);
    expect(result).toEqual({ done: EACH.length, unknown: UNKNOWN });
    const again = verb === 'retry' ? ['service/nowak/gone'] : ['booking/nowak/1'];
    expect((await resolve(verb, EACH)).unknown).toEqual(EACH.filter((id) => !again.includes(id)));
  });

  test('of many failures of a kind runs a few statements, and enqueues each calendar once', async () => {
    const numbers = Array.from({ length: FAILED }, (_, n) => n + 1);
    const ids = [
      ...numbers.map((n) => `notification/ntf_${n}`),
      ...numbers.map((n) => `day/nowak/${new Date(Date.UTC(2026, 0, 1 + n)).toISOString().slice(0, 10)}`),
    ];
    expect(await resolve(verb, ids)).toEqual({ done: 2 * FAILED, unknown: [] });
    expect(statements).toBeLessThan(10);
    expect(done.length).toBeLessThan(10);
  });
});

test('a retry enqueues the calendars, and adds events to the queue again', async () => {
  await resolve('retry', [...EACH, 'event/2']);
  expect(done).toEqual([
    'enqueue "nowak"',
    'enqueue "lis"',
    'enqueue "nowak"',
    'enqueue "nowak"',
    'add [{"name":"retried","data":{"id":"e"}}]',
    'deliver {"account":"warsaw","calendar":"nowak","own":false}',
    'clinic "warsaw"',
  ]);
});

test('a drop removes the link of a refused booking, and the pending days of a calendar', async () => {
  await resolve('drop', ['booking/nowak/1', 'calendar/lis']);
  expect(done).toEqual(['unlink [{"calendar":"nowak","id":"1"}]', 'enqueue "nowak"']);
  const { rows } = await sql<{ wanted: boolean }>`
    SELECT generation > published_generation AS wanted FROM slotkeeper.days WHERE calendar_id = 'lis'`.execute(
    database.db,
  );
  expect(rows).toEqual([{ wanted: false }]);
});
