/** The checks of an explanation, and what they name, on an engine with its marketplace. */
import { describe, expect, test } from '@jest/globals';
import { putCalendar } from '../../src/db/tables/calendars.js';
import type { Check } from '../../src/monitoring/explanation.js';
import { nameOf, takenAt, toTaker } from '../../src/monitoring/taker.js';
import { PULL_SETTINGS, pullAll } from '../notifications/pull-options.js';
import { requestAsAnotherClient, resync } from '../resync/resync-fixture.js';
import { addressOf, ClinicFixture, type ClinicFixtureOptions, ZONE } from '../support/clinic-fixture.js';

const ADDRESS = addressOf('nowak');

/** From 10:00 to 12:00 for visits of 20 minutes. */
async function opened(options: ClinicFixtureOptions = {}): Promise<ClinicFixture> {
  const fixture = await ClinicFixture.open({ still: true, ...options });
  await fixture.open('nowak', fixture.date, { to: '12:00' });
  await fixture.untilAtRest();
  return fixture;
}

async function explain(fixture: ClinicFixture, time: string, service?: string) {
  const explanation = await fixture.engine.explain('nowak', `${fixture.date}T${time}`, { service });
  if (explanation === undefined) throw new Error('the calendar is not known');
  const of = (name: Check['check']): Omit<Check, 'check'> => {
    const { check: _, ...result } = explanation.checks.find(({ check }) => check === name) ?? { ok: null };
    return { detail: '', ...result };
  };
  const { wanted, published, shown } = explanation;
  return { ...explanation, of, flags: [wanted, published, shown] };
}

describe('a start that is on offer', () => {
  test('has all checks ok, in their order', async () => {
    const fixture = await opened();
    const { checks, of: _, flags, ...rest } = await explain(fixture, '10:20', 'visit');
    expect(rest).toMatchObject({
      calendar: 'nowak',
      at: fixture.at('10:20'),
      service: 'visit',
      state: 'in-sync',
      next: 'the day is in sync: nothing follows until it changes',
    });
    expect(flags).toEqual([true, true, true]);
    expect(checks.map(({ check, ok }) => [check, ok])).toEqual(
      [
        'calendar',
        'account',
        'horizon',
        'window',
        'service',
        'busy',
        'rules',
        'fits',
        'published',
        'shown',
      ].map((check) => [check, true]),
    );
    expect(checks.map(({ detail }) => detail)).toEqual([
      'the calendar is published',
      'requests of account many are sent',
      expect.stringMatching(/^the date is published, as all dates up to /),
      'available from 10:00 to 12:00',
      'the windows at this time offer visit',
      'no busy time covers this time',
      'no rule excludes this time',
      'an appointment can begin, for visit',
      expect.stringMatching(/^sent on .*Z$/),
      expect.stringMatching(/^the marketplace showed it when it was read on .*Z$/),
    ]);
  });
});

describe('what takes a time is named', () => {
  test('an appointment, its buffer, and what an earlier start would last into', async () => {
    const fixture = await opened();
    await fixture.engine.putCalendar({
      id: 'nowak',
      account: 'many',
      ...ADDRESS,
      strategy: 'slots',
      bufferBefore: 5,
      bufferAfter: 10,
    });
    await fixture.book('apt-1', '10:30', '10:40');
    await fixture.untilAtRest();
    const times = { start: fixture.at('10:30'), end: fixture.at('10:40') };
    expect((await explain(fixture, '10:30')).of('busy')).toEqual({
      ok: false,
      detail: 'taken by appointment apt-1 from 10:30 to 10:40',
      by: { kind: 'appointment', ref: 'apt-1', ...times },
    });
    const after = await explain(fixture, '10:40');
    expect(after.flags).toEqual([false, false, false]);
    expect(after.of('busy')).toEqual({
      ok: false,
      detail: 'taken by the buffer of appointment apt-1 from 10:40 to 10:50',
      by: { kind: 'buffer', ref: 'apt-1', start: fixture.at('10:40'), end: fixture.at('10:50') },
    });
    expect(after.of('fits')).toEqual({ ok: null, detail: 'not checked: an earlier check failed' });
    expect((await explain(fixture, '10:20')).of('fits')).toEqual({
      ok: false,
      detail: 'the appointment would last into the buffer of appointment apt-1 from 10:25 to 10:30',
      by: { kind: 'buffer', ref: 'apt-1', start: fixture.at('10:25'), end: fixture.at('10:30') },
    });
    expect((await explain(fixture, '10:55')).of('fits')).toEqual({
      ok: false,
      detail: 'the marketplace offers starts every 20 minutes from 10:50',
    });
  });

  test.each(['slots', 'breaks', 'book'] as const)(
    'a booking and a break of the doctor: %s',
    async (strategy) => {
      const fixture = await opened({ strategy, notifications: PULL_SETTINGS });
      const { id } = fixture.sandbox.book(ADDRESS, { start: fixture.at('10:20'), serviceId: 'visit' });
      const pause = fixture.sandbox.addBreak(ADDRESS, {
        since: fixture.at('11:00'),
        till: fixture.at('11:20'),
      });
      await pullAll(fixture);
      const booked = await explain(fixture, '10:20');
      expect(booked.flags).toEqual([false, false, false]);
      expect(booked.of('busy').by).toEqual({
        kind: 'booking',
        booking: String(id),
        start: fixture.at('10:20'),
        end: fixture.at('10:40'),
      });
      const paused = await explain(fixture, '11:00');
      expect([paused.flags, paused.of('busy').by]).toEqual([
        [false, false, false],
        { kind: 'break', break: String(pause.id), start: fixture.at('11:00'), end: fixture.at('11:20') },
      ]);
    },
  );

  test.each([
    ['breaks', /^sent on .*Z, and blocked by break \S+ from 10:20 to 10:40$/],
    ['book', /^sent on .*Z, and blocked by booking \S+ of appointment apt-1 from 10:20 to 10:40$/],
  ] as const)('an own break or placeholder that blocks what was sent: %s', async (strategy, detail) => {
    const fixture = await opened({ strategy });
    await fixture.book('apt-1', '10:20', '10:40');
    await fixture.untilAtRest();
    const { flags, of } = await explain(fixture, '10:20');
    expect(flags).toEqual([false, false, false]);
    expect(of('busy').by).toMatchObject({ kind: 'appointment', ref: 'apt-1' });
    expect(of('published')).toMatchObject({ ok: false, detail: expect.stringMatching(detail) });
    expect(of('published').by).toMatchObject({ start: fixture.at('10:20') });
  });

  test('a break that was made for a coupled calendar has no buffers', () => {
    const start = new Date('2026-11-16T10:30:00+01:00');
    const end = new Date('2026-11-18T10:40:00+01:00');
    const busy = { source: 'break', id: '7', start, end } as const;
    const buffers = { bufferBefore: 5 };
    const before = start.getTime() - 60_000;
    const shared = toTaker(takenAt({ ...busy, coupled: true }, buffers, start.getTime()), ZONE);
    expect(shared).toMatchObject({ kind: 'shared', break: '7' });
    expect(nameOf(shared)).toBe('break 7 of a coupled calendar from 2026-11-16 10:30 to 2026-11-18 10:40');
    const buffer = toTaker(takenAt({ ...busy, coupled: false }, buffers, before), ZONE);
    expect(nameOf(buffer)).toBe('the buffer of break 7 from 10:25 to 10:30');
  });
});

describe('a service', () => {
  test('that the calendar does not have is named, also outside of the windows', async () => {
    const fixture = await opened();
    for (const time of ['10:20', '20:00']) {
      const { flags, of } = await explain(fixture, time, 'usg');
      expect([flags[0], of('service')]).toEqual([
        false,
        { ok: false, detail: 'the calendar has no service usg' },
      ]);
    }
  });

  test('that is gone from the address is named, for itself and where the window has no other', async () => {
    const { facilityId, doctorId, addressId } = ADDRESS;
    const services = [{ id: 'visit' }, { id: 'check' }];
    const estate = {
      facilities: [{ id: facilityId, doctors: [{ id: doctorId, addresses: [{ id: addressId, services }] }] }],
    };
    const clients = ['many', 'alone'].map((id) => ({ id, secret: 'secret' }));
    const fixture = await opened({ sandbox: { estate, clients } });
    fixture.sandbox.setServices(ADDRESS, [{ id: 'check' }]);
    await resync(fixture);
    await fixture.untilAtRest();
    const gone = {
      ok: false,
      detail: expect.stringMatching(/^service visit no longer exists at the address since /),
    };
    for (const service of ['visit', undefined]) {
      const { flags, of } = await explain(fixture, '10:20', service);
      expect([flags, of('service')]).toEqual([[false, false, false], gone]);
    }
    expect((await explain(fixture, '10:20')).of('window')).toMatchObject({ ok: true });
  });
});

describe('what was last read', () => {
  const dayOf = async (fixture: ClinicFixture) =>
    (await fixture.engine.days('nowak', fixture.date, fixture.date))?.[0];
  const shownTimes = async (fixture: ClinicFixture) =>
    (await dayOf(fixture))?.shown?.map(({ start }) => start.slice(11, 16)) ?? null;

  test('is null before the first read, and is unknown for another address', async () => {
    const fixture = await opened();
    const { engine, date } = fixture;
    expect(await shownTimes(fixture)).toHaveLength(6);
    const later = await engine.explain('nowak', `${fixture.dateAfter(1)}T10:00`);
    expect([later?.shown, later?.checks.at(-1)]).toEqual([
      null,
      { check: 'shown', ok: null, detail: 'the marketplace was not read for this date' },
    ]);
    const moved = { id: 'nowak', account: 'many', ...addressOf('lis'), strategy: 'slots' } as const;
    await putCalendar(engine.db, moved, new Date());
    expect((await engine.explain('nowak', `${date}T10:00`))?.shown).toBe(null);
  });

  test('differs from what was sent where a patient has booked, and no notification came', async () => {
    const fixture = await opened();
    fixture.sandbox.book(ADDRESS, { start: fixture.at('10:20'), serviceId: 'visit' });
    await fixture.book('apt-1', '11:00', '11:20');
    await fixture.untilAtRest();
    expect(await shownTimes(fixture)).toEqual(['10:00', '10:40', '11:20', '11:40']);
    const { flags, of } = await explain(fixture, '10:20');
    expect(flags).toEqual([true, true, false]);
    expect(of('shown').detail).toMatch(/^the marketplace did not show it when it was read on /);
  });

  test('is stored where the day fails, because the marketplace shows something else', async () => {
    const estate = (calendar: 'disabled') => {
      const address = { id: ADDRESS.addressId, services: [{ id: 'visit' }], calendar };
      return { facilities: [{ id: 'facility', doctors: [{ id: 'doctor', addresses: [address] }] }] };
    };
    const fixture = await opened({ sandbox: { estate: estate('disabled') } });
    const { flags, of, state } = await explain(fixture, '10:20');
    expect([state, flags]).toEqual(['failed', [true, true, false]]);
    expect(of('calendar')).toEqual({ ok: false, detail: 'the calendar is disabled in the marketplace' });
    expect(await shownTimes(fixture)).toEqual([]);
  });

  test.each(['slots', 'breaks', 'book'] as const)('is what a resync compared: %s', async (strategy) => {
    const fixture = await opened({ strategy });
    await fixture.book('apt-1', '10:20', '10:40');
    await fixture.untilAtRest();
    const before = await dayOf(fixture);
    await fixture.passTime(60_000);
    await resync(fixture);
    const after = await dayOf(fixture);
    expect(Date.parse(after?.shownAt ?? '')).toBeGreaterThan(Date.parse(before?.shownAt ?? ''));
    expect(after?.publishedAt).toBe(before?.publishedAt);
    expect(await shownTimes(fixture)).toEqual(fixture.shown());

    // Another opens a time that is not offered: the resync reads it, and then closes it.
    const period = { start: fixture.at('15:00'), end: fixture.at('15:20') };
    await requestAsAnotherClient(fixture, 'PUT', '/slots', {
      slots: [{ ...period, address_services: [{ address_service_id: 'visit', duration: 20 }] }],
    });
    fixture.sandbox.faults.set([
      { fault: { kind: 'status', status: 503 }, match: { operation: 'replaceSlots' } },
    ]);
    await fixture.engine.resyncs.begin({});
    await fixture.until(async () => (await explain(fixture, '15:00')).shown === true);
    expect((await explain(fixture, '15:00')).flags).toEqual([false, false, true]);
    expect((await explain(fixture, '10:40')).flags).toEqual([true, true, false]);
    fixture.sandbox.faults.set([]);
    await fixture.untilAtRest();
    expect((await explain(fixture, '15:00')).flags).toEqual([false, false, false]);
  });
});
