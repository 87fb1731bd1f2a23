// What an address has is watched: services that are gone are left out, reported and told, and so is a calendar that is off.
import { expect, test } from '@jest/globals';
import type { Failure } from '../../src/api/failures-api.js';
import { getAddress as atAddress } from '../../src/db/tables/address-services.js';
import { putCalendar } from '../../src/db/tables/calendars.js';
import type { Estate, Service } from '../../src/sandbox/index.js';
import { hears, PULLS } from '../notifications/pull-options.js';
import { resync } from '../resync/resync-fixture.js';
import { addressOf, Desk, type DeskOptions } from '../support/clinic-fixture.js';

const VISIT = { id: 'visit', name: 'Visit' };
const CHECK = { id: 'check', name: 'Check-up' };
const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

/** An address that has these services and no others, on sale from 10:00 to 11:00 with both. */
async function opened(options: DeskOptions & { readonly calendar?: 'disabled' } = {}): Promise<Desk> {
  const { facilityId, doctorId, addressId } = addressOf('nowak');
  const { calendar = 'enabled' as const } = options;
  const address = { id: addressId, services: [VISIT, CHECK], calendar };
  const estate: Estate = {
    facilities: [{ id: facilityId, doctors: [{ id: doctorId, addresses: [address] }] }],
  };
  const clients = ['many', 'alone'].map((id) => ({ id, secret: 'secret' }));
  const desk = await Desk.open({ still: true, ...options, sandbox: { estate, clients } });
  await offer(desk, VISIT.id, CHECK.id);
  await desk.rest();
  return desk;
}

async function offer(desk: Desk, ...services: readonly string[]): Promise<void> {
  const { date } = desk;
  const window = {
    start: `${date}T10:00:00`,
    end: `${date}T11:00:00`,
    services: services.map((id) => ({ id, duration: 20 })),
  };
  await desk.say({ type: 'available', calendar: 'nowak', from: date, to: date, windows: [window] });
}

const has = (desk: Desk, ...services: readonly Service[]) =>
  desk.sandbox.setServices(addressOf('nowak'), services);

/** The starts that a patient can choose, with their services. */
const offered = (desk: Desk): readonly string[] =>
  desk.sandbox
    .patientView(addressOf('nowak'), Date.parse(desk.at('00:00')), Date.parse(desk.at('23:00')))
    .map(({ start, services }) => `${start.slice(11, 16)} ${services.join()}`);

const failures = async (desk: Desk): Promise<readonly Failure[]> => await desk.engine.failures.list();

/** What the engine itself told the clinic. */
async function told(desk: Desk) {
  const names = /^(service|calendar)-/;
  const { items } = await desk.engine.notifications();
  return items.filter(({ name }) => names.test(name)).map(({ name, data }) => ({ name, data }));
}

const readings = (desk: Desk): number => desk.requests('getAddressServices').length;

test.each(['slots', 'breaks', 'book'] as const)(
  'with %s, time that is taken is closed at once although a service is gone, which is a failure of its own',
  async (strategy) => {
    const desk = await opened({ strategy });
    has(desk, VISIT);
    await offer(desk, VISIT.id, CHECK.id);
    await desk.book('apt-1', '10:20', '10:40');
    await desk.rest();

    expect(offered(desk)).toEqual(['10:00 visit', '10:40 visit']);
    if (strategy !== 'slots') return;
    expect(await failures(desk)).toEqual([
      {
        kind: 'service',
        id: 'service/nowak/check',
        calendar: 'nowak',
        service: 'check',
        reason: 'the address no longer has the service check: the service is not published',
        since: expect.stringMatching(/Z$/),
      },
    ]);
    expect(await told(desk)).toEqual([
      { name: 'service-gone', data: { service: { id: 'check', name: null } } },
    ]);
    expect(await desk.engine.status()).toMatchObject({ failed: 0, goneServices: 1 });
    // Once it is known, nothing is sent that would be refused, and nothing is asked.
    const before = { refused: refusedWrites(desk), readings: readings(desk) };
    await desk.book('apt-2', '10:40', '11:00');
    await desk.rest();
    expect(offered(desk)).toEqual(['10:00 visit']);
    expect({ refused: refusedWrites(desk), readings: readings(desk) }).toEqual(before);
  },
);

const refusedWrites = (desk: Desk): number =>
  desk.requests('replaceSlots').filter(({ status }) => status === 400).length;

test('a window that has only a service that is gone offers nothing, and a question for it gets no', async () => {
  const desk = await opened();
  has(desk, VISIT);
  await offer(desk, CHECK.id);
  await desk.rest();
  expect(offered(desk)).toEqual([]);
  expect(await failures(desk)).toMatchObject([{ kind: 'service' }]);

  const { facilityId, doctorId, addressId } = addressOf('nowak');
  const request = { start_at: desk.at('10:00'), duration: 20, address_service: { id: 'check' } };
  const data = {
    facility: { id: facilityId },
    doctor: { id: doctorId },
    address: { id: addressId },
    visit_booking_request: request,
  };
  const body = Buffer.from(JSON.stringify({ name: 'slot-booking', data }));
  expect(await desk.engine.receivePush(await desk.account(), body)).toMatchObject({
    answer: { approved: false, reason: 'not-offered' },
  });
});

test.each([
  ['is refused', { kind: 'status', status: 403 }],
  ['is not found', { kind: 'status', status: 404 }],
  ['cannot be answered', { kind: 'status', status: 500 }],
  ['is a page', { kind: 'firewall', status: 403 }],
] as const)('a list that %s removes nothing', async (_, fault) => {
  const desk = await opened();
  desk.sandbox.faults.set([{ fault, match: { operation: 'getAddressServices' }, times: 1 }]);
  await resync(desk);
  expect(readings(desk)).toBeGreaterThan(0);
  expect(await failures(desk)).toEqual([]);
  await offer(desk, CHECK.id);
  await desk.rest();
  expect(offered(desk)[0]).toBe('10:00 check');
});

test('an empty list removes nothing', async () => {
  const desk = await opened();
  has(desk);
  await resync(desk);
  expect(readings(desk)).toBeGreaterThan(0);
  expect((await failures(desk)).filter(({ kind }) => kind === 'service')).toEqual([]);
  has(desk, VISIT, CHECK);
  await offer(desk, CHECK.id);
  await desk.rest();
  expect(offered(desk)[0]).toBe('10:00 check');
});

test('what is told of services has them read: one that is gone, and one that is back, with its days', async () => {
  const desk = await opened({ notifications: PULLS });
  has(desk, VISIT);
  await hears(desk, async () => (await told(desk)).length > 0);
  await desk.rest();
  expect(offered(desk)).toEqual(['10:00 visit', '10:20 visit', '10:40 visit']);
  expect(await failures(desk)).toMatchObject([{ id: 'service/nowak/check' }]);

  has(desk, VISIT, CHECK);
  await hears(desk, async () => (await told(desk)).length > 1);
  await desk.rest();
  expect(offered(desk)).toEqual(['10:00 check,visit', '10:20 check,visit', '10:40 check,visit']);
  expect(await failures(desk)).toEqual([]);
  expect((await told(desk)).map(({ name }) => name)).toEqual(['service-gone', 'service-back']);
});

test('a service that is gone is asked for again when somebody says so, and reported no more when dropped', async () => {
  const desk = await opened();
  has(desk, VISIT);
  await resync(desk);
  await desk.rest();
  const id = 'service/nowak/check';
  expect(await failures(desk)).toMatchObject([{ id, reason: expect.stringContaining('check') }]);

  expect(await desk.engine.failures.settle('drop', [id, 'service/nowak/visit'])).toEqual({
    done: 1,
    unknown: ['service/nowak/visit'],
  });
  expect(await failures(desk)).toEqual([]);
  await resync(desk);
  expect(await failures(desk)).toEqual([]);

  // It is another failure where it goes again.
  has(desk, VISIT, CHECK);
  await resync(desk);
  has(desk, VISIT);
  await resync(desk);
  expect(await failures(desk)).toMatchObject([{ id, reason: expect.stringContaining('check (Check-up)') }]);

  has(desk, VISIT, CHECK);
  expect(await desk.engine.failures.settle('retry', [id])).toEqual({ done: 1, unknown: [] });
  await desk.until(async () => (await failures(desk)).length === 0);
  await desk.rest();
  expect(offered(desk)[0]).toBe('10:00 check,visit');
});

test('a duration that changed is told, and a list without durations says nothing of them', async () => {
  const desk = await opened();
  const lasting = (duration: number) => ({ ...CHECK, duration });
  has(desk, VISIT, lasting(20));
  await resync(desk);
  has(desk, VISIT, lasting(30));
  await resync(desk);
  has(desk, VISIT, CHECK);
  await resync(desk);
  expect(await told(desk)).toEqual([
    { name: 'service-changed', data: { service: { id: 'check', name: 'Check-up' }, before: 20, after: 30 } },
  ]);
});

test('the reason of a failure says that the calendar is switched off, and the clinic is told', async () => {
  const desk = await opened({ calendar: 'disabled' });
  expect(await failures(desk)).toMatchObject([
    { kind: 'day', reason: expect.stringMatching(/^the marketplace shows .*; the calendar is switched off/) },
  ]);
  expect(await told(desk)).toEqual([{ name: 'calendar-disabled', data: {} }]);
});

test('a calendar that is given up says that it is switched off', async () => {
  const desk = await opened({ calendar: 'disabled' });
  desk.sandbox.faults.set([{ fault: { kind: 'status', status: 403 }, match: { operation: 'replaceSlots' } }]);
  await offer(desk, VISIT.id);
  await desk.until(async () => (await failures(desk)).some(({ kind }) => kind === 'calendar'));
  expect(await failures(desk)).toContainEqual(
    expect.objectContaining({
      kind: 'calendar',
      reason: expect.stringMatching(/; the calendar is switched off/),
    }),
  );
});

test('an address is read within an hour of the start, and again when that is a day ago', async () => {
  const desk = await opened();
  expect(readings(desk)).toBe(0);
  await desk.pass(60_000);
  await desk.pass(HOUR);
  await desk.until(() => readings(desk) === 1);
  await desk.until(async () => (await atAddress(desk.engine.db, 'nowak'))?.readAt != null);
  expect(await atAddress(desk.engine.db, 'nowak')).toMatchObject({
    status: 'enabled',
    services: [
      { id: 'check', name: 'Check-up', goneSince: null },
      { id: 'visit', name: 'Visit', goneSince: null },
    ],
  });
  await desk.pass(DAY - HOUR);
  await desk.rest();
  expect(readings(desk)).toBe(1);
  await desk.pass(HOUR);
  await desk.until(() => readings(desk) === 2);
});

test('another address has nothing of what was read at the one before', async () => {
  const desk = await opened();
  has(desk, VISIT);
  await resync(desk);
  expect(await failures(desk)).toMatchObject([{ kind: 'service' }]);
  const other = { ...addressOf('nowak'), addressId: 'elsewhere' };
  await putCalendar(
    desk.engine.db,
    { id: 'nowak', account: 'many', ...other, strategy: 'slots' },
    new Date(),
  );
  expect(await atAddress(desk.engine.db, 'nowak')).toEqual({ status: null, readAt: null, services: [] });
});
