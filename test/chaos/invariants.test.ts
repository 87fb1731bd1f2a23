// What a marketplace can do to an engine, one thing at a time.
import { describe, expect, test } from '@jest/globals';
import { parseInstant, startOfDate, toIso } from '../../src/core/index.js';
import { PUBLISH_QUEUE } from '../../src/queue/queue-names.js';
import { partner } from '../sandbox/helper.js';
import { serve } from '../server/served.js';
import { addressOf, ClinicFixture, type ClinicFixtureOptions, ZONE } from '../support/clinic-fixture.js';
import { eventually } from '../support/eventually.js';
import { ManualTimers } from '../support/manual-timers.js';

const ALL = ['10:00', '10:20', '10:40'];
const WITHOUT_MIDDLE = ['10:00', '10:40'];

/** No request is given up because the machine is slow. */
const openFixture = (options: ClinicFixtureOptions = {}): Promise<ClinicFixture> =>
  ClinicFixture.open({ timeoutMs: 60_000, ...options });

/** What of the engine happens by the clock happens when `sweep` says so. */
async function stillFixture(options: Omit<ClinicFixtureOptions, 'timers'> = {}) {
  const timers = new ManualTimers();
  const fixture = await openFixture({ timers, now: timers.now, ...options });
  const busy = async (): Promise<number> => {
    const {
      waiting = 0,
      prioritized = 0,
      active = 0,
    } = (await fixture.engine.status()).queues[PUBLISH_QUEUE] ?? {};
    return waiting + prioritized + active;
  };
  /** Several sweeps find what is wanted, and all that they woke has been looked at. */
  const sweep = async (): Promise<void> => {
    await timers.advance(1_200);
    await eventually(async () => (await busy()) === 0);
  };
  return { fixture, timers, sweep };
}

describe('the duplicate rule, within three minutes', () => {
  test('booked, freed, booked again: the time is off sale', async () => {
    const fixture = await openFixture();
    await fixture.open();
    await fixture.untilAtRest();
    for (const turn of [1, 2, 3]) {
      await fixture.book(`apt-${turn}`, '10:20', '10:40');
      await fixture.untilAtRest();
      expect(fixture.shown()).toEqual(WITHOUT_MIDDLE);
      if (turn === 3) break;
      await fixture.free(`apt-${turn}`);
      await fixture.untilAtRest();
      expect(fixture.shown()).toEqual(ALL);
    }
    expect(fixture.sandbox.requests.filter(({ ignored }) => ignored)).toEqual([]);
  });

  test('freed, booked, freed again: the time is on sale', async () => {
    const fixture = await openFixture();
    await fixture.open();
    await fixture.book('apt', '10:20', '10:40');
    await fixture.untilAtRest();
    expect(fixture.shown()).toEqual(WITHOUT_MIDDLE);
    for (const turn of [1, 2]) {
      await fixture.free(turn === 1 ? 'apt' : 'other');
      await fixture.untilAtRest();
      expect(fixture.shown()).toEqual(ALL);
      if (turn === 2) break;
      await fixture.book('other', '10:20', '10:40');
      await fixture.untilAtRest();
      expect(fixture.shown()).toEqual(WITHOUT_MIDDLE);
    }
    expect(fixture.sandbox.requests.filter(({ ignored }) => ignored)).toEqual([]);
  });

  test('a day that fills up and empties again, with deleteSlots in between, shows what is free', async () => {
    const fixture = await openFixture();
    await fixture.open();
    await fixture.untilAtRest();
    for (const turn of [1, 2, 3]) {
      await fixture.book(`block-${turn}`, '09:00', '12:00');
      await fixture.untilAtRest();
      expect(fixture.shown()).toEqual([]);
      await fixture.free(`block-${turn}`);
      await fixture.untilAtRest();
      expect(fixture.shown()).toEqual(ALL);
    }
    expect(fixture.requests('deleteSlots')).toHaveLength(3);
  });

  test('days that fill up and empty again together show what is free, each time with one write', async () => {
    const fixture = await openFixture();
    const dates = [fixture.date, fixture.dateAfter(1)];
    for (const date of dates) await fixture.open('nowak', date);
    await fixture.untilAtRest();
    const turns = [1, 2, 3];
    const blocks = dates.map((date) => ({
      ref: `block-${date}`,
      start: `${date}T09:00:00`,
      end: `${date}T12:00:00`,
    }));
    const before = fixture.requests('replaceSlots').length;
    for (const _ of turns) {
      await fixture.send(
        ...blocks.map((block) => ({ type: 'occupied' as const, calendar: 'nowak', ...block })),
      );
      await fixture.untilAtRest();
      for (const date of dates) expect(fixture.shown('nowak', date)).toEqual([]);
      await fixture.send(...blocks.map(({ ref }) => ({ type: 'released' as const, calendar: 'nowak', ref })));
      await fixture.untilAtRest();
      for (const date of dates) expect(fixture.shown('nowak', date)).toEqual(ALL);
    }
    expect(fixture.requests('replaceSlots')).toHaveLength(before + 2 * turns.length);
    expect(fixture.requests('deleteSlots')).toEqual([]);
    expect(fixture.sandbox.requests.filter(({ ignored }) => ignored)).toEqual([]);
  });

  test('a day that is open round the clock has other forms as well', async () => {
    const fixture = await openFixture();
    await fixture.open('nowak', fixture.date, { from: '00:00', to: '24:00' });
    await fixture.untilAtRest();
    const [from, to] = [startOfDate(fixture.date, ZONE), startOfDate(fixture.dateAfter(1), ZONE)];
    // None at 23:40: the marketplace's day ends a minute before midnight. A day of a clock change has fewer, or more.
    const starts = (to - from) / (20 * 60_000) - 1;
    expect(fixture.shown()).toHaveLength(starts);
    for (const turn of [1, 2, 3]) {
      await fixture.book(`block-${turn}`, '10:00', '10:20');
      await fixture.untilAtRest();
      expect(fixture.shown()).not.toContain('10:00');
      await fixture.free(`block-${turn}`);
      await fixture.untilAtRest();
      expect(fixture.shown()).toHaveLength(starts);
    }
    expect(fixture.sandbox.requests.filter(({ ignored }) => ignored)).toEqual([]);
  });
});

describe('a calendar that is refused', () => {
  test.each([403, 404, 422])(
    'by %i stops no other one, closes what it can, and is tried again when somebody asks',
    async (status) => {
      const { fixture, sweep } = await stillFixture({ calendars: ['refused', 'other'] });
      await Promise.all([fixture.open('refused'), fixture.open('other')]);
      await fixture.untilAtRest();
      const match = { operation: 'replaceSlots', addressId: addressOf('refused').addressId };
      fixture.sandbox.faults.set([{ fault: { kind: 'status', status, message: 'Not yours' }, match }]);
      await fixture.book('apt', '10:20', '10:40', 'refused');
      await fixture.book('apt', '10:20', '10:40', 'other');
      await fixture.untilAtRest();
      for (const calendar of ['refused', 'other']) expect(fixture.shown(calendar)).toEqual(WITHOUT_MIDDLE);
      expect(await fixture.engine.status()).toMatchObject({
        pending: 0,
        failed: 1,
        takenOnSale: { count: 0 },
      });

      fixture.sandbox.faults.clear();
      const before = fixture.requests('replaceSlots', 'refused').length;
      await sweep();
      expect(fixture.requests('replaceSlots', 'refused')).toHaveLength(before);
      const [failure] = await fixture.engine.failures.list();
      expect(failure).toMatchObject({ kind: 'calendar', calendar: 'refused' });
      expect(failure?.reason).toContain('Not yours');

      await fixture.engine.failures.settle('retry', ['calendar/refused']);
      await fixture.untilAtRest();
      expect(fixture.shown('refused')).toEqual(WITHOUT_MIDDLE);
      expect(fixture.sandbox.breaks(addressOf('refused'))).toEqual([]);
      expect(await fixture.engine.failures.list()).toEqual([]);
    },
  );
});

test('a refusal of what a calendar was before it was changed does not fail it', async () => {
  const fixture = await ClinicFixture.open({ still: true });
  await fixture.open();
  await fixture.untilAtRest();
  const match = { operation: 'replaceSlots' };
  fixture.sandbox.faults.set([
    { fault: { kind: 'latency', ms: 600_000 }, match },
    { fault: { kind: 'status', status: 403 }, match },
  ]);
  await fixture.book('apt', '10:20', '10:40');
  await eventually(() => fixture.requests('replaceSlots').length === 2);
  await fixture.engine.putCalendar({
    id: 'nowak',
    account: 'many',
    ...addressOf('nowak'),
    strategy: 'slots',
    grid: 20,
  });
  fixture.sandbox.faults.clear();
  await fixture.untilAtRest();
  expect(fixture.requests('replaceSlots')[1]).toMatchObject({ status: 403 });
  expect(await fixture.engine.failures.list()).toEqual([]);
  expect(fixture.shown()).toEqual(WITHOUT_MIDDLE);
});

describe('a request that is refused as invalid', () => {
  test('with the index of an entry: that day fails, the others are published', async () => {
    const fixture = await openFixture();
    const errors = { 'slots[1].end': ['is too far away'] };
    const match = { operation: 'replaceSlots' };
    fixture.sandbox.faults.set([{ fault: { kind: 'status', status: 400, errors }, match, times: 1 }]);
    const dates = [0, 1, 2].map((n) => fixture.dateAfter(n));
    const window = (date: string) => ({
      start: `${date}T10:00:00`,
      end: `${date}T11:00:00`,
      services: [{ id: 'visit', duration: 20 }],
    });
    await fixture.send({
      type: 'available',
      calendar: 'nowak',
      from: dates[0] ?? '',
      to: dates[2] ?? '',
      windows: dates.map(window),
    });
    await fixture.untilAtRest();
    expect(dates.map((date) => fixture.shown('nowak', date))).toEqual([ALL, [], ALL]);
    const [failure] = await fixture.engine.failures.list();
    expect(failure).toMatchObject({ kind: 'day', date: dates[1], reason: 'end: is too far away' });

    await fixture.engine.failures.settle('retry', [failure?.id ?? '']);
    await fixture.untilAtRest();
    expect(fixture.shown('nowak', dates[1])).toEqual(ALL);
  });

  test('for days that are to show nothing, by a marketplace with another midnight: they are cleared one by one', async () => {
    const fixture = await openFixture({ sandbox: { timeZone: 'Europe/London' } });
    const dates = [0, 1].map((n) => fixture.dateAfter(n));
    const open = fixture.dateAfter(2);
    for (const date of [...dates, open]) await fixture.open('nowak', date);
    await fixture.untilAtRest();
    for (const date of [...dates, open]) expect(fixture.shown('nowak', date)).toHaveLength(3);
    const [from = '', to = ''] = dates;
    await fixture.send(
      { type: 'available', calendar: 'nowak', from, to, windows: [] },
      { type: 'occupied', calendar: 'nowak', ref: 'apt', start: `${open}T10:00:00`, end: `${open}T10:20:00` },
    );
    await fixture.untilAtRest();
    expect(await fixture.engine.failures.list()).toEqual([]);
    for (const date of dates) expect(fixture.shown('nowak', date)).toEqual([]);
    expect(fixture.shown('nowak', open)).toHaveLength(2);
    expect(fixture.requests('deleteSlots').map(({ status }) => status)).toEqual([204, 204]);
  });

  test('without an index: it is split until the day is found', async () => {
    const services = [{ id: 'visit' }];
    const { facilityId, doctorId, addressId } = addressOf('nowak');
    const addresses = [{ id: addressId, services }];
    const { fixture, sweep } = await stillFixture({
      sandbox: { estate: { facilities: [{ id: facilityId, doctors: [{ id: doctorId, addresses }] }] } },
    });
    // Nobody can say that the service is the reason.
    fixture.sandbox.faults.set([
      { fault: { kind: 'status', status: 500 }, match: { operation: 'getAddressServices' } },
    ]);
    const dates = [0, 1, 2, 3, 4].map((n) => fixture.dateAfter(n));
    const emptied = fixture.dateAfter(5);
    await fixture.open('nowak', emptied);
    await fixture.untilAtRest();
    const before = fixture.requests('replaceSlots').length;
    await fixture.send(
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
    await fixture.untilAtRest();
    expect(dates.map((date) => fixture.shown('nowak', date).length)).toEqual([3, 3, 3, 0, 3]);
    expect(fixture.shown('nowak', emptied)).toEqual([]);
    expect(await fixture.engine.failures.list()).toMatchObject([{ kind: 'day', date: dates[3] }]);
    await sweep();
    expect(fixture.requests('replaceSlots').length - before).toBeLessThan(9);
  });
});

describe('reading back', () => {
  /** Somebody else who may write to the calendar answers each write of ours with one of theirs. */
  async function meddledFixture(times: number) {
    const fixture = await ClinicFixture.open({ still: true });
    const send = await partner(fixture.sandbox, 'somebody', 'else');
    const { facilityId, doctorId, addressId } = addressOf('nowak');
    let left = times;
    fixture.sandbox.on('request', (record) => {
      if (record.operation !== 'replaceSlots' || record.client !== 'many' || left-- <= 0) return;
      // Never the same body twice, or the duplicate rule would spare us.
      const at = (time: string) =>
        toIso(parseInstant(`${fixture.date}T${time}:${10 + (left % 50)}`, ZONE, 'start'), ZONE);
      const slot = { start: at('18:00'), end: at('18:30') };
      const services = [{ address_service_id: 'visit', duration: 20 }];
      // The reading waits until the other one has written.
      fixture.sandbox.faults.set([
        { fault: { kind: 'latency', ms: 30_000 }, match: { operation: 'getSlots' } },
      ]);
      void send('PUT', `/facilities/${facilityId}/doctors/${doctorId}/addresses/${addressId}/slots`, {
        slots: [{ ...slot, address_services: services }],
      }).then(() => fixture.sandbox.faults.clear());
    });
    return fixture;
  }

  test('a difference is repaired once', async () => {
    const fixture = await meddledFixture(1);
    await fixture.open();
    await fixture.untilAtRest();
    expect(fixture.shown()).toEqual(ALL);
    expect(await fixture.engine.status()).toMatchObject({ pending: 0, failed: 0 });
    expect(fixture.requests('replaceSlots').filter(({ client }) => client === 'many')).toHaveLength(2);
  });

  test('a difference that stays fails the day, with what was sent and what is shown', async () => {
    const fixture = await meddledFixture(100);
    await fixture.open();
    await fixture.untilAtRest();
    expect(await fixture.engine.status()).toMatchObject({ pending: 0, failed: 1 });
    const [failure] = await fixture.engine.failures.list();
    expect(failure).toMatchObject({
      kind: 'day',
      date: fixture.date,
      expected: ALL.map((time) => expect.stringContaining(`T${time}:00`)),
      shown: [expect.stringContaining('T18:00:')],
    });
    await fixture.passTime(15_000);
    await fixture.untilAtRest();
    expect(fixture.requests('replaceSlots').filter(({ client }) => client === 'many')).toHaveLength(2);

    fixture.sandbox.removeAllListeners('request');
    await fixture.engine.failures.settle('retry', [failure?.id ?? '']);
    await fixture.untilAtRest();
    expect(fixture.shown()).toEqual(ALL);
  });

  test('what is shown over taken time, also after a repair, is hidden by a break', async () => {
    const fixture = await ClinicFixture.open({ still: true });
    const send = await partner(fixture.sandbox, 'somebody', 'else');
    const { facilityId, doctorId, addressId } = addressOf('nowak');
    await fixture.open();
    await fixture.untilAtRest();
    let sent = 0;
    fixture.sandbox.on('request', (record) => {
      if (record.operation !== 'replaceSlots' || record.client !== 'many') return;
      sent += 1;
      // The whole hour again, each time in another body.
      const at = (time: string) => toIso(parseInstant(`${fixture.date}T${time}`, ZONE, 'start'), ZONE);
      const slot = { start: at('10:00:00'), end: at(`11:00:${10 + sent}`) };
      const services = [{ address_service_id: 'visit', duration: 20 }];
      fixture.sandbox.faults.set([
        { fault: { kind: 'latency', ms: 30_000 }, match: { operation: 'getSlots' } },
      ]);
      void send('PUT', `/facilities/${facilityId}/doctors/${doctorId}/addresses/${addressId}/slots`, {
        slots: [{ ...slot, address_services: services }],
      }).then(() => fixture.sandbox.faults.clear());
    });
    await fixture.book('apt', '10:20', '10:40');
    await fixture.untilAtRest();
    expect(sent).toBe(2);
    expect(fixture.shown()).toEqual(WITHOUT_MIDDLE);
    expect(await fixture.engine.failures.list()).toMatchObject([{ kind: 'day', closedBy: 'break' }]);
    const range = fixture.sandbox.breaks(addressOf('nowak')).map(({ since, till }) => [since, till]);
    expect(range).toEqual([[fixture.at('10:20'), fixture.at('10:40')]]);
  });

  test('a reading that is missing is no difference', async () => {
    const fixture = await ClinicFixture.open({ still: true });
    fixture.sandbox.faults.set([
      { fault: { kind: 'status', status: 500 }, match: { operation: 'getSlots' } },
    ]);
    await fixture.open();
    await fixture.until(() => fixture.requests('getSlots').length > 2);
    expect(await fixture.engine.status()).toMatchObject({ pending: 1, failed: 0 });
    fixture.sandbox.faults.clear();
    await fixture.untilAtRest();
    expect(await fixture.engine.status()).toMatchObject({ pending: 0, failed: 0 });
    expect(fixture.requests('replaceSlots')).toHaveLength(1);
  });

  test('what patients booked in the marketplace is no difference', async () => {
    const fixture = await openFixture();
    await fixture.open();
    await fixture.untilAtRest();
    const [first] = fixture.sandbox.patientView(addressOf('nowak'), 0, Date.now() + 30 * 86_400_000);
    fixture.sandbox.book(addressOf('nowak'), { start: first?.start ?? '', serviceId: 'visit' });
    await fixture.book('apt', '10:40', '11:00');
    await fixture.untilAtRest();
    expect(fixture.shown()).toEqual(['10:20']);
    expect(await fixture.engine.status()).toMatchObject({ pending: 0, failed: 0 });
    expect(fixture.requests('replaceSlots')).toHaveLength(2);
  });
});

describe('an account', () => {
  test('that is told to wait does, for as long as it was told; the others do not', async () => {
    let ahead = 0;
    const fixture = await openFixture({ calendars: ['nowak', 'alone'], now: () => Date.now() + ahead });
    const match = { operation: 'replaceSlots', client: 'many' };
    fixture.sandbox.faults.set([{ fault: { kind: 'too-many', retryAfter: 600 }, match, times: 1 }]);
    await fixture.open('nowak');
    await eventually(() => fixture.requests('replaceSlots', 'nowak').length === 1);
    await fixture.open('alone');
    await eventually(() => fixture.shown('alone').length === 3);
    expect(fixture.shown('nowak')).toEqual([]);
    ahead += 600_000;
    // Time that closes is more urgent than what waits, and so takes that along at once.
    await fixture.book('apt', '10:20', '10:40');
    await fixture.untilAtRest();
    expect(fixture.shown('nowak')).toEqual(WITHOUT_MIDDLE);
    const [refused, sent] = fixture.requests('replaceSlots', 'nowak');
    expect((sent?.receivedAt ?? 0) - (refused?.answeredAt ?? 0)).toBeGreaterThanOrEqual(600_000);
  });

  test('whose token is revoked takes one other', async () => {
    const fixture = await openFixture();
    await fixture.open();
    await fixture.untilAtRest();
    fixture.sandbox.revokeTokens();
    await fixture.book('apt', '10:20', '10:40');
    await fixture.untilAtRest();
    expect(fixture.shown()).toEqual(WITHOUT_MIDDLE);
    expect(fixture.requests('token')).toHaveLength(2);
    expect(fixture.sandbox.requests.filter(({ status }) => status === 401)).toHaveLength(1);
  });

  test('that the firewall stopped is silent, longer each time, and asks with one request at a time', async () => {
    const calendars = ['a', 'b', 'c', 'd'];
    const fixture = await ClinicFixture.open({ calendars, still: true, random: () => 0 });
    const operations = ['replaceSlots', 'deleteSlots', 'getSlots'];
    const firewall = operations.map((operation) => ({
      fault: { kind: 'firewall' as const, status: 405 as const },
      match: { operation },
    }));
    fixture.sandbox.faults.set([
      { fault: { kind: 'latency', ms: 600_000 }, match: { operation: 'replaceSlots' } },
      ...firewall,
    ]);
    const asked = () =>
      fixture.sandbox.requests.filter(({ operation }) => operations.includes(operation)).length;
    const pause = async () => {
      const { pauses, paused_until: until } = await fixture.engine.db
        .selectFrom('slotkeeper.accounts')
        .select(['pauses', 'paused_until'])
        .where('id', '=', 'many')
        .executeTakeFirstOrThrow();
      return { pauses, seconds: Math.round(((until?.getTime() ?? 0) - fixture.engine.now()) / 1_000) };
    };
    const idle = (): Promise<void> => fixture.until(async () => true);
    /** A change that is nearer, and so more urgent than any before: it does not wait for its turn. */
    const change = (n: number) =>
      Promise.all(calendars.map((calendar) => fixture.open(calendar, fixture.dateAfter(-n))));

    await change(0);
    // All four are on their way before the first is stopped.
    await eventually(() => asked() === calendars.length);
    fixture.sandbox.faults.set(firewall);
    await idle();
    const first = await pause();
    expect(first.pauses).toBe(1);
    expect(first.seconds).toBeGreaterThan(20);
    expect(first.seconds).toBeLessThanOrEqual(30);

    const before = asked();
    await change(4);
    await idle();
    expect(asked()).toBe(before);

    await fixture.passTime(31_000);
    await change(8);
    await idle();
    expect(asked()).toBe(before + 1);
    const second = await pause();
    expect(second.pauses).toBe(2);
    expect(second.seconds).toBeGreaterThan(50);

    fixture.sandbox.faults.clear();
    await change(12);
    await fixture.untilAtRest();
    expect((await pause()).pauses).toBe(0);
    for (const calendar of calendars) expect(fixture.shown(calendar, fixture.dateAfter(-12))).toEqual(ALL);
  });
});

test('a conflict is told, also where a publish read the booking before its notification came', async () => {
  const apiKey = 'key-of-the-marketplace';
  const fixture = await openFixture({ strategy: 'book', notifications: { mode: 'push', apiKey } });
  const { url } = await serve(fixture.engine);
  const push = { url: `${url}/v1/accounts/many/notifications`, apiKey, timeoutMs: 60_000 };
  fixture.sandbox.setEstate(undefined, [{ id: 'many', secret: 'secret', notifications: 'push', push }]);
  fixture.sandbox.setDelivery({ delayMs: { min: 60_000, max: 60_000 } });
  await fixture.open();
  await fixture.untilAtRest();

  const { id } = fixture.sandbox.book(addressOf('nowak'), { start: fixture.at('10:20'), serviceId: 'visit' });
  await fixture.book('apt', '10:20', '10:40');
  await fixture.untilAtRest();
  expect((await fixture.engine.status()).conflicts).toBe(1);
  const items = async () => (await fixture.engine.notifications()).items;
  const names = async () => (await items()).map(({ name }) => name).sort();
  expect(await names()).not.toContain('slot-booked');

  fixture.sandbox.clock.advance(60_000);
  // Whichever is told first: where bookings are looked for in between, the conflict is.
  await eventually(async () => (await names()).length === 2);
  expect(await names()).toEqual(['conflict', 'slot-booked']);
  expect((await items()).find(({ name }) => name === 'conflict')).toMatchObject({
    calendar: 'nowak',
    booking: id,
    data: { occupancy: { ref: 'apt' } },
  });
});
