import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { OccupancyEvent } from '../../src/clinic/occupancy-event.js';
import type { Slotkeeper } from '../../src/engine.js';
import { PUBLISH_QUEUE } from '../../src/queue/queue-names.js';
import type { Estate, Sandbox } from '../../src/sandbox/index.js';
import { postgresDatabase } from '../db/databases.js';
import { ADDRESS, CALENDAR, foundingExample, WEEK_BEFORE } from '../engine/founding-example.js';
import { openClinic, settled, startEngine, writesTo } from '../engine/running.js';
import { eventually } from '../support/eventually.js';

const { date, events, put } = foundingExample();
const [available, occupied] = events;
/** The founding example's address with its one service, and what else is said of it. */
const estateWith = (more: { readonly calendar?: 'disabled' }): Estate => ({
  facilities: [
    { id: '456', doctors: [{ id: '9876', addresses: [{ id: '789', services: [{ id: '123' }], ...more }] }] },
  ],
});
let ids = 0;
const freshId = () => `reconcile-${++ids}`;
const take = (start: string, end: string, ref = 'apt') => ({
  ...occupied,
  id: freshId(),
  ref,
  start: `${date}T${start}`,
  end: `${date}T${end}`,
});
const free = (ref = 'apt') => ({ id: freshId(), type: 'released' as const, calendar: CALENDAR, ref });

describe('the reconciler', () => {
  let engine: Slotkeeper;
  let sandbox: Sandbox;
  let now = WEEK_BEFORE;

  beforeAll(async () => {
    engine = await startEngine(
      { databaseUrl: await postgresDatabase() },
      { now: () => now, random: () => 0, config: { publish: { sweepSeconds: 0.2, timeoutMs: 60_000 } } },
    );
  });

  beforeEach(async () => {
    now = WEEK_BEFORE;
    sandbox = await openClinic(engine, { now: () => now });
  });

  afterAll(async () => {
    await engine.stop();
  });

  const say = async (...list: readonly OccupancyEvent[]) => {
    const { rejected } = await engine.events(list);
    expect(rejected).toEqual([]);
    await settled(engine);
  };
  const day = async (on = date) => (await engine.days(CALENDAR, on, on))?.[0];
  const clocks = (on = date) =>
    sandbox
      .patientView(ADDRESS, `${on}T00:00:00+01:00`, `${on}T23:59:00+01:00`)
      .map(({ start }) => start.slice(11, 16));
  const replaceSlots = { operation: 'replaceSlots' } as const;

  test('publishes a time that is occupied, freed and occupied again within three minutes, despite the duplicate rule', async () => {
    await say(available);
    for (let n = 0; n < 3; n += 1) {
      await say(take('10:30', '10:40'));
      expect(clocks()).toEqual(['10:00', '10:10', '10:20', '10:40', '10:50']);
      await say(free());
      expect(clocks()).toEqual(['10:00', '10:10', '10:20', '10:30', '10:40', '10:50']);
    }
    expect(writesTo(sandbox).some(({ ignored }) => ignored)).toBe(false);
    expect((await day())?.state).toBe('in-sync');
  });

  test('clears a day on which everything is busy, and publishes it again', async () => {
    await say(available, take('10:00', '11:00'));
    expect(clocks()).toEqual([]);
    expect(writesTo(sandbox)).toEqual([]);
    await say(free());
    expect(clocks()).toHaveLength(6);
    await say(take('09:00', '12:00'));
    expect(clocks()).toEqual([]);
    expect(writesTo(sandbox).at(-1)).toMatchObject({ operation: 'deleteSlots', status: 204 });
  });

  test('clears slots of another system on a day that was never published', async () => {
    await say(available);
    await engine.putCalendar({
      id: CALENDAR,
      account: 'warsaw',
      ...ADDRESS,
      strategy: 'slots',
      bufferAfter: 5,
    });
    await say({ ...available, id: freshId(), windows: [] });
    expect(clocks()).toEqual([]);
    expect((await day())?.state).toBe('in-sync');
  });

  test('sends many days in one request', async () => {
    const windows = [16, 17, 18, 19, 20].map((n) => ({
      start: `2026-11-${n}T09:00`,
      end: `2026-11-${n}T12:00`,
      services: [{ id: '123', duration: 10 }],
    }));
    await say({ ...available, id: freshId(), to: '2026-11-20', windows });
    expect(writesTo(sandbox)).toHaveLength(1);
    expect(clocks('2026-11-20')).toHaveLength(18);
  });

  test('fails a day that the marketplace refuses, with its reason, and publishes the others', async () => {
    sandbox.setEstate(estateWith({}));
    // Were it known which services there are, the day would be sent without the one that is not.
    const match = { operation: 'getAddressServices' };
    sandbox.faults.set([{ fault: { kind: 'status', status: 403 }, match }]);
    const window = (on: string, service: string) => ({
      start: `${on}T10:00`,
      end: `${on}T11:00`,
      services: [{ id: service, duration: 10 }],
    });
    await say({
      ...available,
      id: freshId(),
      to: '2026-11-18',
      windows: [window(date, '123'), window('2026-11-17', '666'), window('2026-11-18', '123')],
    });
    expect([clocks().length, clocks('2026-11-17').length, clocks('2026-11-18').length]).toEqual([6, 0, 6]);
    expect(await day('2026-11-17')).toMatchObject({ state: 'failed', error: { reason: expect.any(String) } });
    expect(await engine.status()).toMatchObject({ pending: 0, failed: 1 });
  });

  test('reports no difference where a break of the marketplace blocks the time', async () => {
    sandbox.addBreak(ADDRESS, { since: `${date}T10:00:00+01:00`, till: `${date}T10:10:00+01:00` });
    await say(available);
    expect(clocks()).toHaveLength(5);
    expect(writesTo(sandbox)).toHaveLength(1);
    expect(await day()).toMatchObject({ state: 'in-sync', error: null });
  });

  test('publishes a day beyond the horizon once it enters the horizon', async () => {
    const far = '2027-02-08';
    const windows = [{ start: `${far}T10:00`, end: `${far}T11:00`, services: [{ id: '123', duration: 10 }] }];
    await say({ ...available, id: freshId(), from: far, to: far, windows });
    await eventually(async () => {
      const jobs = (await engine.status()).queues[PUBLISH_QUEUE] ?? { unknown: 1 };
      return Object.values(jobs).every((count) => count === 0);
    });
    expect(writesTo(sandbox)).toEqual([]);
    expect((await day(far))?.state).toBe('pending');
    now += 8 * 24 * 3_600_000;
    await eventually(() => writesTo(sandbox).length === 1);
    await settled(engine);
    expect((await day(far))?.state).toBe('in-sync');
  });

  test('fails a calendar that it may not edit, visibly, until the calendar is changed', async () => {
    sandbox.faults.set([{ fault: { kind: 'status', status: 403 }, match: replaceSlots }]);
    await say(...events);
    expect(await day()).toMatchObject({ state: 'failed', error: { reason: expect.any(String) } });
    sandbox.faults.clear();
    await engine.putCalendar({ id: CALENDAR, account: 'warsaw', ...ADDRESS, strategy: 'slots', grid: 10 });
    await settled(engine);
    expect(await day()).toMatchObject({ state: 'in-sync', published: put.body.slots });
  });
});
