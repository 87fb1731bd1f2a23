// What a resync survives: the end of its process in the middle, a lost job, a calendar that goes, a month.

import { beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import type { Role } from '../../src/api/roles.js';
import { addDays, localDate } from '../../src/core/index.js';
import { Slotkeeper } from '../../src/engine.js';
import { createLog } from '../../src/lib/log.js';
import { Sandbox } from '../../src/sandbox/index.js';
import { ENCRYPTION_KEY, postgresDatabase } from '../db/databases.js';
import { addressOf, ZONE } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { atEndOfTest } from '../support/release.js';
import { resync, untilFinished } from './resync-fixture.js';

const CALENDARS = ['lis', 'nowak', 'wilk'] as const;
const DATE = addDays(localDate(Date.now(), ZONE), 14);
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

describe('a resync', () => {
  const sandbox = new Sandbox();
  let databaseUrl: string;
  let baseUrl: string;

  beforeAll(async () => {
    atEndOfTest(() => sandbox.stop());
    baseUrl = await sandbox.start();
    databaseUrl = await postgresDatabase();
    const engine = await start({});
    const windows = [
      { start: `${DATE}T10:00:00`, end: `${DATE}T11:00:00`, services: [{ id: 'visit', duration: 20 }] },
    ];
    const events = CALENDARS.map((calendar) => ({
      id: `open-${calendar}`,
      type: 'available' as const,
      calendar,
      from: DATE,
      to: DATE,
      windows,
    }));
    await engine.events(events);
    await eventually(async () => (await engine.status()).pending === 0);
    await engine.stop();
  });

  /** A process; none of them has the role api. */
  async function start({
    roles = ['worker', 'scheduler'],
    now = Date.now,
  }: {
    readonly roles?: readonly Role[];
    readonly now?: () => number;
  }): Promise<Slotkeeper> {
    const account = { id: 'many', baseUrl, clientId: 'many', clientSecret: 'secret', timeZone: ZONE };
    const engine = new Slotkeeper({
      databaseUrl,
      encryptionKey: ENCRYPTION_KEY,
      roles,
      now,
      log: createLog('silent'),
      config: {
        accounts: [account],
        calendars: CALENDARS.map((id) => ({ id, account: 'many', ...addressOf(id) })),
        publish: { sweepSeconds: 0.2, debounceMs: 0, lockMs: 10_000, timeoutMs: 60_000, concurrency: 1 },
      },
    });
    atEndOfTest(() => engine.stop());
    await engine.start();
    return engine;
  }

  const asked = (operation: string): number =>
    sandbox.requests.filter((request) => request.operation === operation).length;

  test('that is interrupted is finished by the next process, which compares only the remaining calendars', async () => {
    const before = asked('getSlots');
    // The first is answered at once, and those after it when the faults are cleared.
    sandbox.faults.set([
      { fault: { kind: 'latency', ms: 45_000 }, match: { operation: 'getSlots' }, after: 1 },
    ]);
    const first = await start({});
    const { id } = await first.resyncs.begin({});
    const half = await eventually(async () => {
      const report = await first.resyncs.report(id);
      return report !== undefined && report.calendarsDone > 0 && report;
    });
    expect(half).toMatchObject({ state: 'running', finishedAt: null, calendars: 3 });
    const stopped = first.stop();
    sandbox.faults.clear();
    await stopped;

    const next = await start({});
    expect(await untilFinished({ engine: next }, id)).toMatchObject({
      state: 'done',
      calendarsDone: 3,
      daysCompared: 3,
      reads: 12,
      failures: [],
    });
    expect(asked('getSlots') - before).toBe(3);
    await next.stop();
  });

  test('whose job was lost is found by the sweep', async () => {
    const asks = await start({ roles: [] });
    const { id } = await asks.resyncs.begin({});
    await sql`DELETE FROM bullmq.job WHERE queue = 'slotkeeper-resync'`.execute(asks.db);
    await asks.stop();
    const next = await start({ now: () => Date.now() + 2 * MINUTE });
    expect(await untilFinished({ engine: next }, id)).toMatchObject({ state: 'done', calendarsDone: 3 });
    await next.stop();
  });

  test('finishes, although one of its calendars was deleted and another fails', async () => {
    const asks = await start({ roles: [] });
    const { id } = await asks.resyncs.begin({});
    await sql`DELETE FROM slotkeeper.calendars WHERE id = 'wilk'`.execute(asks.db);
    sandbox.faults.set([
      {
        fault: { kind: 'status', status: 403, message: 'no right' },
        match: { operation: 'getSlots', addressId: addressOf('lis').addressId },
      },
    ]);
    await asks.stop();
    const next = await start({});
    expect(await untilFinished({ engine: next }, id)).toMatchObject({
      state: 'done',
      calendars: 2,
      calendarsDone: 2,
      daysCompared: 1,
      failures: [{ calendar: 'lis', reason: expect.stringContaining('no right') }],
    });
    sandbox.faults.clear();
    expect(await next.failures.list()).toEqual([]);
    await next.stop();
  });

  test('is kept for 30 days', async () => {
    const engine = await start({});
    const { id } = await resync({ engine });
    await engine.stop();
    const kept = await start({ now: () => Date.now() + 29 * DAY });
    expect(await kept.resyncs.report(id)).toMatchObject({ id, state: 'done' });
    await kept.stop();
    const later = await start({ now: () => Date.now() + 31 * DAY });
    await eventually(async () => (await later.resyncs.report(id)) === undefined);
    await later.stop();
  });
});
