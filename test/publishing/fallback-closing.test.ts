// What is refused is closed by the next best way, shown as failed, and tried again by itself.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Strategy } from '../../src/db/schema.js';
import type { Slotkeeper } from '../../src/engine.js';
import type { FaultRule, Sandbox } from '../../src/sandbox/index.js';
import { postgresDatabase } from '../db/databases.js';
import { ADDRESS, CALENDAR, foundingExample, WEEK_BEFORE } from '../engine/founding-example.js';
import { openClinic, settled, startEngine } from '../engine/running.js';
import { eventually } from '../support/eventually.js';

const { date, events } = foundingExample();
const [available, occupied] = events;
const ALL = ['10:00', '10:10', '10:20', '10:30', '10:40', '10:50'];
const FREE = ALL.filter((clock) => clock !== '10:30');
let ids = 0;
const freshId = () => `close-otherwise-${++ids}`;

const refuse = (status: number, ...operations: readonly string[]): FaultRule[] =>
  operations.map((operation) => ({ fault: { kind: 'status', status }, match: { operation } }));

describe('a refused closing', () => {
  let engine: Slotkeeper;
  let sandbox: Sandbox;
  let now = WEEK_BEFORE;
  let clock = () => now;

  beforeAll(async () => {
    engine = await startEngine(
      { databaseUrl: await postgresDatabase() },
      {
        now: () => clock(),
        random: () => 0,
        encryptionKey: randomBytes(32).toString('base64'),
        config: { publish: { sweepSeconds: 0.2, timeoutMs: 60_000 } },
      },
    );
  });

  beforeEach(async () => {
    now = WEEK_BEFORE;
    clock = () => now;
    sandbox = await openClinic(engine, { now: () => now });
  });

  afterAll(async () => {
    await engine.stop();
  });

  const open = async (strategy: Strategy) => {
    await engine.putCalendar({ id: CALENDAR, account: 'warsaw', ...ADDRESS, strategy });
    await engine.events([{ ...available, id: freshId() }]);
    await settled(engine);
    expect(clocks()).toEqual(ALL);
  };
  const take = async (start = '10:30', end = '10:40', ref = 'apt') => {
    const { rejected } = await engine.events([
      { ...occupied, id: freshId(), ref, start: `${date}T${start}`, end: `${date}T${end}` },
    ]);
    expect(rejected).toEqual([]);
  };
  const day = async () => (await engine.days(CALENDAR, date, date))?.[0];
  const clocks = () =>
    sandbox
      .patientView(ADDRESS, `${date}T00:00:00+01:00`, `${date}T23:59:00+01:00`)
      .map(({ start }) => start.slice(11, 16));
  const breaks = () =>
    sandbox.breaks(ADDRESS).map(({ since, till }) => `${since.slice(11, 16)}-${till.slice(11, 16)}`);
  const mended = async () => {
    sandbox.faults.clear();
    await eventually(async () => {
      now += 60_000;
      return (await engine.status()).failed === 0 && (await day())?.state === 'in-sync';
    });
  };

  test('is replaced by a break over exactly the busy time, until its slots are accepted', async () => {
    await open('slots');
    sandbox.faults.set(refuse(400, 'replaceSlots'));
    await take();
    await eventually(async () => (await day())?.state === 'failed');
    expect(clocks()).toEqual(FREE);
    expect(breaks()).toEqual(['10:30-10:40']);
    expect((await engine.failures.list())[0]).toMatchObject({ kind: 'day', closedBy: 'break' });
    expect((await engine.status()).takenOnSale).toEqual({ count: 0, items: [] });

    await take('10:00', '10:10', 'another');
    await eventually(() => breaks().length === 2);
    expect(clocks()).toEqual(FREE.slice(1));

    await mended();
    expect(breaks()).toEqual([]);
    expect(clocks()).toEqual(FREE.slice(1));
  });

  test('removes the breaks of a day that is due again in the reconcile that made them', async () => {
    await open('slots');
    sandbox.faults.set(refuse(400, 'replaceSlots'));
    await take();
    await eventually(async () => (await day())?.state === 'failed');
    // Once the second break is made, time passes so fast that the run which made it finds the day due again.
    let isDue = false;
    clock = () => {
      if (breaks().length === 2) {
        isDue = true;
        sandbox.faults.clear();
      }
      if (isDue) now += 30_000;
      return now;
    };
    await take('10:00', '10:10', 'another');
    await eventually(async () => isDue && (await day())?.state === 'in-sync');
    expect(breaks()).toEqual([]);
    expect(clocks()).toEqual(FREE.slice(1));
  });

  test('clears the day where the break is refused too', async () => {
    await open('slots');
    sandbox.faults.set([...refuse(400, 'replaceSlots'), ...refuse(403, 'addCalendarBreak')]);
    await take();
    await eventually(async () => (await day())?.state === 'failed');
    expect(clocks()).toEqual([]);
    expect((await engine.failures.list())[0]).toMatchObject({ closedBy: 'clear' });
    await mended();
    expect(clocks()).toEqual(FREE);
  });

  test('stays on sale only where everything is refused, which is logged as an error and retried', async () => {
    await open('slots');
    sandbox.faults.set(refuse(403, 'replaceSlots', 'addCalendarBreak', 'deleteSlots'));
    await take();
    await eventually(async () => (await engine.status()).takenOnSale.count === 1);
    expect((await engine.status()).takenOnSale.items).toEqual([
      {
        calendar: CALENDAR,
        date,
        start: `${date}T10:30:00+01:00`,
        end: `${date}T10:40:00+01:00`,
        since: new Date(now).toISOString(),
        reason: expect.stringContaining('may not be edited'),
      },
    ]);
    expect(clocks()).toEqual(ALL);
    await mended();
    expect(clocks()).toEqual(FREE);
    expect((await engine.status()).takenOnSale.count).toBe(0);
  });

  test.each([
    { status: 403, dependencies: 'may not be edited' },
    { status: 404, dependencies: 'is gone' },
    { status: 422, dependencies: 'is not commercial' },
  ])('of a calendar whose slots answer $status is hidden by breaks', async ({ status }) => {
    await open('slots');
    sandbox.faults.set(refuse(status, 'replaceSlots'));
    await take();
    await eventually(() => breaks().length === 1);
    await eventually(async () => (await day())?.state === 'failed');
    expect((await engine.failures.list())[0]).toMatchObject({ kind: 'calendar' });
    // What closes does not wait for the calendar to be due again.
    await take('10:00', '10:10', 'another');
    await eventually(() => breaks().length === 2);
    expect(clocks()).toEqual(FREE.slice(1));
    await mended();
    expect(breaks()).toEqual([]);
    expect(clocks()).toEqual(FREE.slice(1));
  });

  test.each(['breaks', 'book'] as const)('with %s is cut out of the slots', async (strategy) => {
    await open(strategy);
    sandbox.faults.set(refuse(403, 'addCalendarBreak', 'bookSlot'));
    await take();
    await eventually(async () => (await day())?.state === 'failed');
    expect(clocks()).toEqual(FREE);
    expect((await engine.failures.list())[0]).toMatchObject({ kind: 'day', closedBy: 'slots' });
    await mended();
    expect(clocks()).toEqual(FREE);
    expect((await day())?.published).toHaveLength(1);
  });

  test('is applied when the address is assigned again', async () => {
    await open('slots');
    sandbox.unassignAddress(ADDRESS);
    await take();
    await eventually(async () => (await day())?.state === 'failed');
    sandbox.assignAddress(ADDRESS);
    const account = await engine.recentAccount('warsaw');
    if (account === undefined) throw new Error('there is no such account');
    const { facilityId, doctorId, addressId } = ADDRESS;
    const data = { facility: { id: facilityId }, doctor: { id: doctorId }, address: { id: addressId } };
    await engine.receivePush(account, Buffer.from(JSON.stringify({ name: 'address-assigned', data })));
    await eventually(async () => (await day())?.state === 'in-sync');
    expect(clocks()).toEqual(FREE);
  });
});
