// What an address has is watched: services that are gone are left out, reported and told, and so is a calendar that is off.
import { expect, test } from '@jest/globals';
import type { Failure } from '../../src/api/failures-api.js';
import { getAddress as atAddress } from '../../src/db/tables/address-services.js';
import { putCalendar } from '../../src/db/tables/calendars.js';
import type { Estate, Service } from '../../src/sandbox/index.js';
import { PULL_SETTINGS, pullUntil } from '../notifications/pull-options.js';
import { resync } from '../resync/resync-fixture.js';
import { addressOf, ClinicFixture, type ClinicFixtureOptions } from '../support/clinic-fixture.js';

const VISIT = { id: 'visit', name: 'Visit' };
const CHECK = { id: 'check', name: 'Check-up' };
const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

/** An address that has these services and no others, on sale from 10:00 to 11:00 with both. */
async function opened(
  options: ClinicFixtureOptions & { readonly calendar?: 'disabled' } = {},
): Promise<ClinicFixture> {
  const { facilityId, doctorId, addressId } = addressOf('nowak');
  const { calendar = 'enabled' as const } = options;
  const address = { id: addressId, services: [VISIT, CHECK], calendar };
  const estate: Estate = {
    facilities: [{ id: facilityId, doctors: [{ id: doctorId, addresses: [address] }] }],
  };
  const clients = ['many', 'alone'].map((id) => ({ id, secret: 'secret' }));
  const fixture = await ClinicFixture.open({ still: true, ...options, sandbox: { estate, clients } });
  await offer(fixture, VISIT.id, CHECK.id);
  await fixture.untilAtRest();
  return fixture;
}

async function offer(fixture: ClinicFixture, ...services: readonly string[]): Promise<void> {
  const { date } = fixture;
  const window = {
    start: `${date}T10:00:00`,
    end: `${date}T11:00:00`,
    services: services.map((id) => ({ id, duration: 20 })),
  };
  await fixture.send({ type: 'available', calendar: 'nowak', from: date, to: date, windows: [window] });
}

const has = (fixture: ClinicFixture, ...services: readonly Service[]) =>
  fixture.sandbox.setServices(addressOf('nowak'), services);

/** The starts that a patient can choose, with their services. */
const offered = (fixture: ClinicFixture): readonly string[] =>
  fixture.sandbox
    .patientView(addressOf('nowak'), Date.parse(fixture.at('00:00')), Date.parse(fixture.at('23:00')))
    .map(({ start, services }) => `${start.slice(11, 16)} ${services.join()}`);

const failures = async (fixture: ClinicFixture): Promise<readonly Failure[]> =>
  await fixture.engine.failures.list();

/** What the engine itself told the clinic. */
async function notifiedFailures(fixture: ClinicFixture) {
  const names = /^(service|calendar)-/;
  const { items } = await fixture.engine.notifications();
  return items.filter(({ name }) => names.test(name)).map(({ name, data }) => ({ name, data }));
}

const addressReads = (fixture: ClinicFixture): number => fixture.requests('getAddressServices').length;

test.each(['slots', 'breaks', 'book'] as const)(
  'with %s, busy time is closed at once although a service is gone, which is a failure of its own',
  async (strategy) => {
    const fixture = await opened({ strategy });
    has(fixture, VISIT);
    await offer(fixture, VISIT.id, CHECK.id);
    await fixture.book('apt-1', '10:20', '10:40');
    await fixture.untilAtRest();

    expect(offered(fixture)).toEqual(['10:00 visit', '10:40 visit']);
    if (strategy !== 'slots') return;
    expect(await failures(fixture)).toEqual([
      {
        kind: 'service',
        id: 'service/nowak/check',
        calendar: 'nowak',
        service: 'check',
        reason: 'the address no longer has the service check: the service is not published',
        since: expect.stringMatching(/Z$/),
      },
    ]);
    expect(await notifiedFailures(fixture)).toEqual([
      { name: 'service-gone', data: { service: { id: 'check', name: null } } },
    ]);
    expect(await fixture.engine.status()).toMatchObject({ failed: 0, goneServices: 1 });
    // Once it is known, nothing is sent that would be refused, and nothing is asked.
    const before = { refused: refusedWrites(fixture), readings: addressReads(fixture) };
    await fixture.book('apt-2', '10:40', '11:00');
    await fixture.untilAtRest();
    expect(offered(fixture)).toEqual(['10:00 visit']);
    expect({ refused: refusedWrites(fixture), readings: addressReads(fixture) }).toEqual(before);
  },
);

const refusedWrites = (fixture: ClinicFixture): number =>
  fixture.requests('replaceSlots').filter(({ status }) => status === 400).length;

test('a window with only a deleted service offers nothing, and its approval is denied', async () => {
  const fixture = await opened();
  has(fixture, VISIT);
  await offer(fixture, CHECK.id);
  await fixture.untilAtRest();
  expect(offered(fixture)).toEqual([]);
  expect(await failures(fixture)).toMatchObject([{ kind: 'service' }]);

  const { facilityId, doctorId, addressId } = addressOf('nowak');
  const request = { start_at: fixture.at('10:00'), duration: 20, address_service: { id: 'check' } };
  const data = {
    facility: { id: facilityId },
    doctor: { id: doctorId },
    address: { id: addressId },
    visit_booking_request: request,
  };
  const body = Buffer.from(JSON.stringify({ name: 'slot-booking', data }));
  expect(await fixture.engine.receivePush(await fixture.account(), body)).toMatchObject({
    answer: { approved: false, reason: 'not-offered' },
  });
});

test.each([
  ['is refused', { kind: 'status', status: 403 }],
  ['is not found', { kind: 'status', status: 404 }],
  ['cannot be answered', { kind: 'status', status: 500 }],
  ['is a page', { kind: 'firewall', status: 403 }],
] as const)('a list that %s removes nothing', async (_, fault) => {
  const fixture = await opened();
  fixture.sandbox.faults.set([{ fault, match: { operation: 'getAddressServices' }, times: 1 }]);
  await resync(fixture);
  expect(addressReads(fixture)).toBeGreaterThan(0);
  expect(await failures(fixture)).toEqual([]);
  await offer(fixture, CHECK.id);
  await fixture.untilAtRest();
  expect(offered(fixture)[0]).toBe('10:00 check');
});

test('an empty list removes nothing', async () => {
  const fixture = await opened();
  has(fixture);
  await resync(fixture);
  expect(addressReads(fixture)).toBeGreaterThan(0);
  expect((await failures(fixture)).filter(({ kind }) => kind === 'service')).toEqual([]);
  has(fixture, VISIT, CHECK);
  await offer(fixture, CHECK.id);
  await fixture.untilAtRest();
  expect(offered(fixture)[0]).toBe('10:00 check');
});

test('a notification about services triggers a read: deleted and restored services are found, with their days', async () => {
  const fixture = await opened({ notifications: PULL_SETTINGS });
  has(fixture, VISIT);
  await pullUntil(fixture, async () => (await notifiedFailures(fixture)).length > 0);
  await fixture.untilAtRest();
  expect(offered(fixture)).toEqual(['10:00 visit', '10:20 visit', '10:40 visit']);
  expect(await failures(fixture)).toMatchObject([{ id: 'service/nowak/check' }]);

  has(fixture, VISIT, CHECK);
  await pullUntil(fixture, async () => (await notifiedFailures(fixture)).length > 1);
  await fixture.untilAtRest();
  expect(offered(fixture)).toEqual(['10:00 check,visit', '10:20 check,visit', '10:40 check,visit']);
  expect(await failures(fixture)).toEqual([]);
  expect((await notifiedFailures(fixture)).map(({ name }) => name)).toEqual(['service-gone', 'service-back']);
});

test('a deleted service is read again on retry, and no longer reported once dropped', async () => {
  const fixture = await opened();
  has(fixture, VISIT);
  await resync(fixture);
  await fixture.untilAtRest();
  const id = 'service/nowak/check';
  expect(await failures(fixture)).toMatchObject([{ id, reason: expect.stringContaining('check') }]);

  expect(await fixture.engine.failures.settle('drop', [id, 'service/nowak/visit'])).toEqual({
    done: 1,
    unknown: ['service/nowak/visit'],
  });
  expect(await failures(fixture)).toEqual([]);
  await resync(fixture);
  expect(await failures(fixture)).toEqual([]);

  // It is another failure where it goes again.
  has(fixture, VISIT, CHECK);
  await resync(fixture);
  has(fixture, VISIT);
  await resync(fixture);
  expect(await failures(fixture)).toMatchObject([
    { id, reason: expect.stringContaining('check (Check-up)') },
  ]);

  has(fixture, VISIT, CHECK);
  expect(await fixture.engine.failures.settle('retry', [id])).toEqual({ done: 1, unknown: [] });
  await fixture.until(async () => (await failures(fixture)).length === 0);
  await fixture.untilAtRest();
  expect(offered(fixture)[0]).toBe('10:00 check,visit');
});

test('a changed duration is notified, and a list without durations changes none', async () => {
  const fixture = await opened();
  const lasting = (duration: number) => ({ ...CHECK, duration });
  has(fixture, VISIT, lasting(20));
  await resync(fixture);
  has(fixture, VISIT, lasting(30));
  await resync(fixture);
  has(fixture, VISIT, CHECK);
  await resync(fixture);
  expect(await notifiedFailures(fixture)).toEqual([
    { name: 'service-changed', data: { service: { id: 'check', name: 'Check-up' }, before: 20, after: 30 } },
  ]);
});

test('the reason of a failure names the disabled calendar, and the clinic is notified', async () => {
  const fixture = await opened({ calendar: 'disabled' });
  expect(await failures(fixture)).toMatchObject([
    { kind: 'day', reason: expect.stringMatching(/^the marketplace shows .*; the calendar is switched off/) },
  ]);
  expect(await notifiedFailures(fixture)).toEqual([{ name: 'calendar-disabled', data: {} }]);
});

test('the failure of a calendar names that it is disabled', async () => {
  const fixture = await opened({ calendar: 'disabled' });
  fixture.sandbox.faults.set([
    { fault: { kind: 'status', status: 403 }, match: { operation: 'replaceSlots' } },
  ]);
  await offer(fixture, VISIT.id);
  await fixture.until(async () => (await failures(fixture)).some(({ kind }) => kind === 'calendar'));
  expect(await failures(fixture)).toContainEqual(
    expect.objectContaining({
      kind: 'calendar',
      reason: expect.stringMatching(/; the calendar is switched off/),
    }),
  );
});

test('an address is read within an hour of the start, and again a day later', async () => {
  const fixture = await opened();
  expect(addressReads(fixture)).toBe(0);
  await fixture.passTime(60_000);
  await fixture.passTime(HOUR);
  await fixture.until(() => addressReads(fixture) === 1);
  await fixture.until(async () => (await atAddress(fixture.engine.db, 'nowak'))?.readAt != null);
  expect(await atAddress(fixture.engine.db, 'nowak')).toMatchObject({
    status: 'enabled',
    services: [
      { id: 'check', name: 'Check-up', goneSince: null },
      { id: 'visit', name: 'Visit', goneSince: null },
    ],
  });
  await fixture.passTime(DAY - HOUR);
  await fixture.untilAtRest();
  expect(addressReads(fixture)).toBe(1);
  await fixture.passTime(HOUR);
  await fixture.until(() => addressReads(fixture) === 2);
});

test('a new address keeps no data of the former one', async () => {
  const fixture = await opened();
  has(fixture, VISIT);
  await resync(fixture);
  expect(await failures(fixture)).toMatchObject([{ kind: 'service' }]);
  const other = { ...addressOf('nowak'), addressId: 'elsewhere' };
  await putCalendar(
    fixture.engine.db,
    { id: 'nowak', account: 'many', ...other, strategy: 'slots' },
    new Date(),
  );
  expect(await atAddress(fixture.engine.db, 'nowak')).toEqual({ status: null, readAt: null, services: [] });
});
