// What a marketplace can do to an engine, one thing at a time.
import { describe, expect, test } from '@jest/globals';
import { parseInstant, startOfDate, toIso } from '../../src/core/index.js';
import { PUBLISH_QUEUE } from '../../src/queue/queue-names.js';
import { partner } from '../sandbox/helper.js';
import { serve } from '../server/served.js';
import { addressOf, Desk, type DeskOptions, ZONE } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { ManualTimers } from '../support/manual-timers.js';

const ALL = ['10:00', '10:20', '10:40'];
const WITHOUT_MIDDLE = ['10:00', '10:40'];

/** No request is given up because the machine is slow. */
const openDesk = (options: DeskOptions = {}): Promise<Desk> => Desk.open({ timeoutMs: 60_000, ...options });

/** What of the engine happens by the clock happens when `sweep` says so. */
async function stillDesk(options: Omit<DeskOptions, 'timers'> = {}) {
  const timers = new ManualTimers();
  const desk = await openDesk({ timers, now: timers.now, ...options });
  const busy = async (): Promise<number> => {
    const {
      waiting = 0,
      prioritized = 0,
      active = 0,
    } = (await desk.engine.status()).queues[PUBLISH_QUEUE] ?? {};
    return waiting + prioritized + active;
  };
  /** Several sweeps find what is wanted, and all that they woke has been looked at. */
  const sweep = async (): Promise<void> => {
    await timers.advance(1_200);
    await eventually(async () => (await busy()) === 0);
  };
  return { desk, timers, sweep };
}

describe('the duplicate rule, within three minutes', () => {
  test('booked, freed, booked again: the time is off sale', async () => {
    const desk = await openDesk();
    await desk.open();
    await desk.rest();
    for (const turn of [1, 2, 3]) {
      await desk.book(`apt-${turn}`, '10:20', '10:40');
      await desk.rest();
      expect(desk.shown()).toEqual(WITHOUT_MIDDLE);
      if (turn === 3) break;
      await desk.free(`apt-${turn}`);
      await desk.rest();
      expect(desk.shown()).toEqual(ALL);
    }
    expect(desk.sandbox.requests.filter(({ ignored }) => ignored)).toEqual([]);
  });

  test('freed, booked, freed again: the time is on sale', async () => {
    const desk = await openDesk();
    await desk.open();
    await desk.book('apt', '10:20', '10:40');
    await desk.rest();
    expect(desk.shown()).toEqual(WITHOUT_MIDDLE);
    for (const turn of [1, 2]) {
      await desk.free(turn === 1 ? 'apt' : 'other');
      await desk.rest();
      expect(desk.shown()).toEqual(ALL);
      if (turn === 2) break;
      await desk.book('other', '10:20', '10:40');
      await desk.rest();
      expect(desk.shown()).toEqual(WITHOUT_MIDDLE);
    }
    expect(desk.sandbox.requests.filter(({ ignored }) => ignored)).toEqual([]);
  });

  test('a day that fills up and empties again, with deleteSlots in between, shows what is free', async () => {
    const desk = await openDesk();
    await desk.open();
    await desk.rest();
    for (const turn of [1, 2, 3]) {
      await desk.book(`block-${turn}`, '09:00', '12:00');
      await desk.rest();
      expect(desk.shown()).toEqual([]);
      await desk.free(`block-${turn}`);
      await desk.rest();
      expect(desk.shown()).toEqual(ALL);
    }
    expect(desk.requests('deleteSlots')).toHaveLength(3);
  });

  test('days that fill up and empty again together show what is free, each time with one write', async () => {
    const desk = await openDesk();
    const dates = [desk.date, desk.dateAfter(1)];
    for (const date of dates) await desk.open('nowak', date);
    await desk.rest();
    const turns = [1, 2, 3];
    const blocks = dates.map((date) => ({
      ref: `block-${date}`,
      start: `${date}T09:00:00`,
      end: `${date}T12:00:00`,
    }));
    const before = desk.requests('replaceSlots').length;
    for (const _ of turns) {
      await desk.say(...blocks.map((block) => ({ type: 'occupied' as const, calendar: 'nowak', ...block })));
      await desk.rest();
      for (const date of dates) expect(desk.shown('nowak', date)).toEqual([]);
      await desk.say(...blocks.map(({ ref }) => ({ type: 'released' as const, calendar: 'nowak', ref })));
      await desk.rest();
      for (const date of dates) expect(desk.shown('nowak', date)).toEqual(ALL);
    }
    expect(desk.requests('replaceSlots')).toHaveLength(before + 2 * turns.length);
    expect(desk.requests('deleteSlots')).toEqual([]);
    expect(desk.sandbox.requests.filter(({ ignored }) => ignored)).toEqual([]);
  });

  test('a day that is open round the clock has other forms as well', async () => {
    const desk = await openDesk();
    await desk.open('nowak', desk.date, { from: '00:00', to: '24:00' });
    await desk.rest();
    const [from, to] = [startOfDate(desk.date, ZONE), startOfDate(desk.dateAfter(1), ZONE)];
    // None at 23:40: the marketplace's day ends a minute before midnight. A day of a clock change has fewer, or more.
    const starts = (to - from) / (20 * 60_000) - 1;
    expect(desk.shown()).toHaveLength(starts);
    for (const turn of [1, 2, 3]) {
      await desk.book(`block-${turn}`, '10:00', '10:20');
      await desk.rest();
      expect(desk.shown()).not.toContain('10:00');
      await desk.free(`block-${turn}`);
      await desk.rest();
      expect(desk.shown()).toHaveLength(starts);
    }
    expect(desk.sandbox.requests.filter(({ ignored }) => ignored)).toEqual([]);
  });
});

describe('a calendar that is refused', () => {
  test.each([403, 404, 422])(
    'by %i stops no other one, closes what it can, and is tried again when somebody asks',
    async (status) => {
      const { desk, sweep } = await stillDesk({ calendars: ['refused', 'other'] });
      await Promise.all([desk.open('refused'), desk.open('other')]);
      await desk.rest();
      const match = { operation: 'replaceSlots', addressId: addressOf('refused').addressId };
      desk.sandbox.faults.set([{ fault: { kind: 'status', status, message: 'Not yours' }, match }]);
      await desk.book('apt', '10:20', '10:40', 'refused');
      await desk.book('apt', '10:20', '10:40', 'other');
      await desk.rest();
      for (const calendar of ['refused', 'other']) expect(desk.shown(calendar)).toEqual(WITHOUT_MIDDLE);
      expect(await desk.engine.status()).toMatchObject({ pending: 0, failed: 1, takenOnSale: { count: 0 } });

      desk.sandbox.faults.clear();
      const before = desk.requests('replaceSlots', 'refused').length;
      await sweep();
      expect(desk.requests('replaceSlots', 'refused')).toHaveLength(before);
      const [failure] = await desk.engine.failures.list();
      expect(failure).toMatchObject({ kind: 'calendar', calendar: 'refused' });
      expect(failure?.reason).toContain('Not yours');

      await desk.engine.failures.settle('retry', ['calendar/refused']);
      await desk.rest();
      expect(desk.shown('refused')).toEqual(WITHOUT_MIDDLE);
      expect(desk.sandbox.breaks(addressOf('refused'))).toEqual([]);
      expect(await desk.engine.failures.list()).toEqual([]);
    },
  );
});

test('a refusal of what a calendar was before it was changed does not fail it', async () => {
  const desk = await Desk.open({ still: true });
  await desk.open();
  await desk.rest();
  const match = { operation: 'replaceSlots' };
  desk.sandbox.faults.set([
    { fault: { kind: 'latency', ms: 600_000 }, match },
    { fault: { kind: 'status', status: 403 }, match },
  ]);
  await desk.book('apt', '10:20', '10:40');
  await eventually(() => desk.requests('replaceSlots').length === 2);
  await desk.engine.putCalendar({
    id: 'nowak',
    account: 'many',
    ...addressOf('nowak'),
    strategy: 'slots',
    grid: 20,
  });
  desk.sandbox.faults.clear();
  await desk.rest();
  expect(desk.requests('replaceSlots')[1]).toMatchObject({ status: 403 });
  expect(await desk.engine.failures.list()).toEqual([]);
  expect(desk.shown()).toEqual(WITHOUT_MIDDLE);
});

describe('a request that is refused as invalid', () => {
  test('with the index of an entry: that day fails, the others are published', async () => {
    const desk = await openDesk();
    const errors = { 'slots[1].end': ['is too far away'] };
    const match = { operation: 'replaceSlots' };
    desk.sandbox.faults.set([{ fault: { kind: 'status', status: 400, errors }, match, times: 1 }]);
    const dates = [0, 1, 2].map((n) => desk.dateAfter(n));
    const window = (date: string) => ({
      start: `${date}T10:00:00`,
      end: `${date}T11:00:00`,
      services: [{ id: 'visit', duration: 20 }],
    });
    await desk.say({
      type: 'available',
      calendar: 'nowak',
      from: dates[0] ?? '',
      to: dates[2] ?? '',
      windows: dates.map(window),
    });
    await desk.rest();
    expect(dates.map((date) => desk.shown('nowak', date))).toEqual([ALL, [], ALL]);
    const [failure] = await desk.engine.failures.list();
    expect(failure).toMatchObject({ kind: 'day', date: dates[1], reason: 'end: is too far away' });

    await desk.engine.failures.settle('retry', [failure?.id ?? '']);
    await desk.rest();
    expect(desk.shown('nowak', dates[1])).toEqual(ALL);
  });

  test('for days that are to show nothing, by a marketplace with another midnight: they are cleared one by one', async () => {
    const desk = await openDesk({ sandbox: { timeZone: 'Europe/London' } });
    const dates = [0, 1].map((n) => desk.dateAfter(n));
    const open = desk.dateAfter(2);
    for (const date of [...dates, open]) await desk.open('nowak', date);
    await desk.rest();
    for (const date of [...dates, open]) expect(desk.shown('nowak', date)).toHaveLength(3);
    const [from = '', to = ''] = dates;
    await desk.say(
      { type: 'available', calendar: 'nowak', from, to, windows: [] },
      { type: 'occupied', calendar: 'nowak', ref: 'apt', start: `${open}T10:00:00`, end: `${open}T10:20:00` },
    );
    await desk.rest();
    expect(await desk.engine.failures.list()).toEqual([]);
    for (const date of dates) expect(desk.shown('nowak', date)).toEqual([]);
    expect(desk.shown('nowak', open)).toHaveLength(2);
    expect(desk.requests('deleteSlots').map(({ status }) => status)).toEqual([204, 204]);
  });

  test('without an index: it is split until the day is found', async () => {
    const services = [{ id: 'visit' }];
    const { facilityId, doctorId, addressId } = addressOf('nowak');
    const addresses = [{ id: addressId, services }];
    const { desk, sweep } = await stillDesk({
      sandbox: { estate: { facilities: [{ id: facilityId, doctors: [{ id: doctorId, addresses }] }] } },
    });
    // Nobody can say that the service is the reason.
    desk.sandbox.faults.set([
      { fault: { kind: 'status', status: 500 }, match: { operation: 'getAddressServices' } },
    ]);
    const dates = [0, 1, 2, 3, 4].map((n) => desk.dateAfter(n));
    const emptied = desk.dateAfter(5);
    await desk.open('nowak', emptied);
    await desk.rest();
    const before = desk.requests('replaceSlots').length;
    await desk.say(
      { type: 'available', calendar: 'nowak', from: emptied, to: emptied, windows: [] },
      ...dates.map((date, n) => ({
        type: 'available' as const,
        calendar: 'nowak',
        from: date,
        to: date,
        windows: [
          {
            start: `${date}T10:00:00`,
            end: `${date}T11:00:00`,
            services: [{ id: n === 3 ? 'unknown' : 'visit', duration: 20 }],
          },
        ],
      })),
    );
    await desk.rest();
    expect(dates.map((date) => desk.shown('nowak', date).length)).toEqual([3, 3, 3, 0, 3]);
    expect(desk.shown('nowak', emptied)).toEqual([]);
    expect(await desk.engine.failures.list()).toMatchObject([{ kind: 'day', date: dates[3] }]);
    await sweep();
    expect(desk.requests('replaceSlots').length - before).toBeLessThan(9);
  });
});

describe('reading back', () => {
  /** Somebody else who may write to the calendar answers each write of ours with one of theirs. */
  async function meddledDesk(times: number) {
    const desk = await Desk.open({ still: true });
    const send = await partner(desk.sandbox, 'somebody', 'else');
    const { facilityId, doctorId, addressId } = addressOf('nowak');
    let left = times;
    desk.sandbox.on('request', (record) => {
      if (record.operation !== 'replaceSlots' || record.client !== 'many' || left-- <= 0) return;
      // Never the same body twice, or the duplicate rule would spare us.
      const at = (time: string) =>
        toIso(parseInstant(`${desk.date}T${time}:${10 + (left % 50)}`, ZONE, 'start'), ZONE);
      const slot = { start: at('18:00'), end: at('18:30') };
      const services = [{ address_service_id: 'visit', duration: 20 }];
      // The reading waits until the other one has written.
      desk.sandbox.faults.set([{ fault: { kind: 'latency', ms: 30_000 }, match: { operation: 'getSlots' } }]);
      void send('PUT', `/facilities/${facilityId}/doctors/${doctorId}/addresses/${addressId}/slots`, {
        slots: [{ ...slot, address_services: services }],
      }).then(() => desk.sandbox.faults.clear());
    });
    return desk;
  }

  test('a difference is repaired once', async () => {
    const desk = await meddledDesk(1);
    await desk.open();
    await desk.rest();
    expect(desk.shown()).toEqual(ALL);
    expect(await desk.engine.status()).toMatchObject({ pending: 0, failed: 0 });
    expect(desk.requests('replaceSlots').filter(({ client }) => client === 'many')).toHaveLength(2);
  });

  test('a difference that stays fails the day, with what was sent and what is shown', async () => {
    const desk = await meddledDesk(100);
    await desk.open();
    await desk.rest();
    expect(await desk.engine.status()).toMatchObject({ pending: 0, failed: 1 });
    const [failure] = await desk.engine.failures.list();
    expect(failure).toMatchObject({
      kind: 'day',
      date: desk.date,
      expected: ALL.map((time) => expect.stringContaining(`T${time}:00`)),
      shown: [expect.stringContaining('T18:00:')],
    });
    await desk.pass(15_000);
    await desk.rest();
    expect(desk.requests('replaceSlots').filter(({ client }) => client === 'many')).toHaveLength(2);

    desk.sandbox.removeAllListeners('request');
    await desk.engine.failures.settle('retry', [failure?.id ?? '']);
    await desk.rest();
    expect(desk.shown()).toEqual(ALL);
  });

  test('what is shown over taken time, also after a repair, is hidden by a break', async () => {
    const desk = await Desk.open({ still: true });
    const send = await partner(desk.sandbox, 'somebody', 'else');
    const { facilityId, doctorId, addressId } = addressOf('nowak');
    await desk.open();
    await desk.rest();
    let sent = 0;
    desk.sandbox.on('request', (record) => {
      if (record.operation !== 'replaceSlots' || record.client !== 'many') return;
      sent += 1;
      // The whole hour again, each time in another body.
      const at = (time: string) => toIso(parseInstant(`${desk.date}T${time}`, ZONE, 'start'), ZONE);
      const slot = { start: at('10:00:00'), end: at(`11:00:${10 + sent}`) };
      const services = [{ address_service_id: 'visit', duration: 20 }];
      desk.sandbox.faults.set([{ fault: { kind: 'latency', ms: 30_000 }, match: { operation: 'getSlots' } }]);
      void send('PUT', `/facilities/${facilityId}/doctors/${doctorId}/addresses/${addressId}/slots`, {
        slots: [{ ...slot, address_services: services }],
      }).then(() => desk.sandbox.faults.clear());
    });
    await desk.book('apt', '10:20', '10:40');
    await desk.rest();
    expect(sent).toBe(2);
    expect(desk.shown()).toEqual(WITHOUT_MIDDLE);
    expect(await desk.engine.failures.list()).toMatchObject([{ kind: 'day', closedBy: 'break' }]);
    const range = desk.sandbox.breaks(addressOf('nowak')).map(({ since, till }) => [since, till]);
    expect(range).toEqual([[desk.at('10:20'), desk.at('10:40')]]);
  });

  test('a reading that is missing is no difference', async () => {
    const desk = await Desk.open({ still: true });
    desk.sandbox.faults.set([{ fault: { kind: 'status', status: 500 }, match: { operation: 'getSlots' } }]);
    await desk.open();
    await desk.until(() => desk.requests('getSlots').length > 2);
    expect(await desk.engine.status()).toMatchObject({ pending: 1, failed: 0 });
    desk.sandbox.faults.clear();
    await desk.rest();
    expect(await desk.engine.status()).toMatchObject({ pending: 0, failed: 0 });
    expect(desk.requests('replaceSlots')).toHaveLength(1);
  });

  test('what patients booked in the marketplace is no difference', async () => {
    const desk = await openDesk();
    await desk.open();
    await desk.rest();
    const [first] = desk.sandbox.patientView(addressOf('nowak'), 0, Date.now() + 30 * 86_400_000);
    desk.sandbox.book(addressOf('nowak'), { start: first?.start ?? '', serviceId: 'visit' });
    await desk.book('apt', '10:40', '11:00');
    await desk.rest();
    expect(desk.shown()).toEqual(['10:20']);
    expect(await desk.engine.status()).toMatchObject({ pending: 0, failed: 0 });
    expect(desk.requests('replaceSlots')).toHaveLength(2);
  });
});

describe('an account', () => {
  test('that is told to wait does, for as long as it was told; the others do not', async () => {
    let ahead = 0;
    const desk = await openDesk({ calendars: ['nowak', 'alone'], now: () => Date.now() + ahead });
    const match = { operation: 'replaceSlots', client: 'many' };
    desk.sandbox.faults.set([{ fault: { kind: 'too-many', retryAfter: 600 }, match, times: 1 }]);
    await desk.open('nowak');
    await eventually(() => desk.requests('replaceSlots', 'nowak').length === 1);
    await desk.open('alone');
    await eventually(() => desk.shown('alone').length === 3);
    expect(desk.shown('nowak')).toEqual([]);
    ahead += 600_000;
    // Time that closes is more urgent than what waits, and so takes that along at once.
    await desk.book('apt', '10:20', '10:40');
    await desk.rest();
    expect(desk.shown('nowak')).toEqual(WITHOUT_MIDDLE);
    const [refused, sent] = desk.requests('replaceSlots', 'nowak');
    expect((sent?.receivedAt ?? 0) - (refused?.answeredAt ?? 0)).toBeGreaterThanOrEqual(600_000);
  });

  test('whose token is revoked takes one other', async () => {
    const desk = await openDesk();
    await desk.open();
    await desk.rest();
    desk.sandbox.revokeTokens();
    await desk.book('apt', '10:20', '10:40');
    await desk.rest();
    expect(desk.shown()).toEqual(WITHOUT_MIDDLE);
    expect(desk.requests('token')).toHaveLength(2);
    expect(desk.sandbox.requests.filter(({ status }) => status === 401)).toHaveLength(1);
  });

  test('that the firewall stopped is silent, longer each time, and asks with one request at a time', async () => {
    const calendars = ['a', 'b', 'c', 'd'];
    const desk = await Desk.open({ calendars, still: true, random: () => 0 });
    const operations = ['replaceSlots', 'deleteSlots', 'getSlots'];
    const firewall = operations.map((operation) => ({
      fault: { kind: 'firewall' as const, status: 405 as const },
      match: { operation },
    }));
    desk.sandbox.faults.set([
      { fault: { kind: 'latency', ms: 600_000 }, match: { operation: 'replaceSlots' } },
      ...firewall,
    ]);
    const asked = () =>
      desk.sandbox.requests.filter(({ operation }) => operations.includes(operation)).length;
    const pause = async () => {
      const { pauses, paused_until: until } = await desk.engine.db
        .selectFrom('slotkeeper.accounts')
        .select(['pauses', 'paused_until'])
        .where('id', '=', 'many')
        .executeTakeFirstOrThrow();
      return { pauses, seconds: Math.round(((until?.getTime() ?? 0) - desk.engine.now()) / 1_000) };
    };
    const idle = (): Promise<void> => desk.until(async () => true);
    /** A change that is nearer, and so more urgent than any before: it does not wait for its turn. */
    const change = (n: number) =>
      Promise.all(calendars.map((calendar) => desk.open(calendar, desk.dateAfter(-n))));

    await change(0);
    // All four are on their way before the first is stopped.
    await eventually(() => asked() === calendars.length);
    desk.sandbox.faults.set(firewall);
    await idle();
    const first = await pause();
    expect(first.pauses).toBe(1);
    expect(first.seconds).toBeGreaterThan(20);
    expect(first.seconds).toBeLessThanOrEqual(30);

    const before = asked();
    await change(4);
    await idle();
    expect(asked()).toBe(before);

    await desk.pass(31_000);
    await change(8);
    await idle();
    expect(asked()).toBe(before + 1);
    const second = await pause();
    expect(second.pauses).toBe(2);
    expect(second.seconds).toBeGreaterThan(50);

    desk.sandbox.faults.clear();
    await change(12);
    await desk.rest();
    expect((await pause()).pauses).toBe(0);
    for (const calendar of calendars) expect(desk.shown(calendar, desk.dateAfter(-12))).toEqual(ALL);
  });
});

test('a conflict is told, also where a publish read the booking before its notification came', async () => {
  const apiKey = 'key-of-the-marketplace';
  const desk = await openDesk({ strategy: 'book', notifications: { mode: 'push', apiKey } });
  const { url } = await serve(desk.engine);
  const push = { url: `${url}/v1/accounts/many/notifications`, apiKey, timeoutMs: 60_000 };
  desk.sandbox.setEstate(undefined, [{ id: 'many', secret: 'secret', notifications: 'push', push }]);
  desk.sandbox.setDelivery({ delayMs: { min: 60_000, max: 60_000 } });
  await desk.open();
  await desk.rest();

  const { id } = desk.sandbox.book(addressOf('nowak'), { start: desk.at('10:20'), serviceId: 'visit' });
  await desk.book('apt', '10:20', '10:40');
  await desk.rest();
  expect((await desk.engine.status()).conflicts).toBe(1);
  const items = async () => (await desk.engine.notifications()).items;
  const names = async () => (await items()).map(({ name }) => name).sort();
  expect(await names()).not.toContain('slot-booked');

  desk.sandbox.clock.advance(60_000);
  // Whichever is told first: where bookings are looked for in between, the conflict is.
  await eventually(async () => (await names()).length === 2);
  expect(await names()).toEqual(['conflict', 'slot-booked']);
  expect((await items()).find(({ name }) => name === 'conflict')).toMatchObject({
    calendar: 'nowak',
    booking: id,
    data: { occupancy: { ref: 'apt' } },
  });
});
