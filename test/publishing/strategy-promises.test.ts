// What docs/strategies.md promises beside the usual course: whose name a placeholder has, coupled addresses, a record that
// has forgotten everything, and what hides an appointment after a change of strategy.
import { describe, expect, test } from '@jest/globals';
import { PLACEHOLDER_PATIENT } from '../../src/publishing/blocking/placeholder-patient.js';
import { PULL_SETTINGS, pullAll, pullUntil } from '../notifications/pull-options.js';
import { addressOf, ClinicFixture } from '../support/clinic-fixture.js';

const hiding = (fixture: ClinicFixture, calendar = 'nowak') => [
  ...fixture.sandbox
    .breaks(addressOf(calendar))
    .map(({ since, till }) => `break ${since.slice(11, 16)}-${till.slice(11, 16)}`),
  ...fixture.sandbox
    .bookings(addressOf(calendar))
    .filter(({ status }) => status === 'booked')
    .map(({ start_at, end_at }) => `booking ${start_at.slice(11, 16)}-${end_at.slice(11, 16)}`),
];

async function opened(options: Parameters<typeof ClinicFixture.open>[0]): Promise<ClinicFixture> {
  const fixture = await ClinicFixture.open({ still: true, ...options });
  await fixture.open('nowak', fixture.date, { from: '10:00', to: '12:00' });
  await fixture.untilAtRest();
  return fixture;
}

describe('a placeholder is booked for an invented patient', () => {
  test('of the engine, or of the account where it configures one', async () => {
    const fixture = await opened({ strategy: 'book' });
    await fixture.book('apt-1', '10:20', '10:40');
    await fixture.untilAtRest();
    const placeholder = { name: 'Recepcja', surname: 'Przychodni', phone: '+48222222222' };
    await fixture.engine.putAccount({ ...(await fixture.account()), placeholder });
    await fixture.untilAtRest();
    await fixture.book('apt-2', '11:00', '11:20');
    await fixture.untilAtRest();
    expect(fixture.requests('bookSlot').map(({ body }) => body)).toEqual([
      expect.objectContaining({
        patient: expect.objectContaining({ name: 'Slotkeeper', surname: 'Placeholder' }),
      }),
      expect.objectContaining({ patient: placeholder }),
    ]);
  });

  test('and contains nothing of the event but its times and its service', async () => {
    const fixture = await opened({ strategy: 'book' });
    const event = {
      id: 'apt-1-came',
      type: 'occupied' as const,
      calendar: 'nowak',
      ref: 'Kowalski-77',
      start: fixture.at('10:20'),
      end: fixture.at('10:40'),
      service: 'visit',
      patient: { name: 'Kowalski', phone: '+48600700800' },
      comment: 'Kowalski, blood test',
    };
    expect(await fixture.engine.events([event])).toMatchObject({ accepted: 1, rejected: [] });
    await fixture.untilAtRest();
    expect(fixture.requests('bookSlot').map(({ body }) => body)).toEqual([
      {
        address_service_id: 'visit',
        duration: 20,
        patient: PLACEHOLDER_PATIENT,
        comment: expect.stringMatching(/^slotkeeper [0-9a-f]{24}$/),
        is_recurring: true,
      },
    ]);
    expect(hiding(fixture)).toEqual(['booking 10:20-10:40']);
    const sent = JSON.stringify(fixture.sandbox.requests.map(({ path, body }) => [path, body]));
    for (const word of ['Kowalski', '600700800', 'blood']) expect(sent).not.toContain(word);
  });
});

test('breaks close coupled addresses only where the calendar configures it', async () => {
  const fixture = await opened({ strategy: 'breaks' });
  const { engine } = fixture;
  const coupled = () => fixture.requests('addCalendarBreak').map(({ body }) => body);
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.untilAtRest();
  const calendar = { id: 'nowak', account: 'many', ...addressOf('nowak'), strategy: 'breaks' } as const;
  await engine.putCalendar({ ...calendar, applyOnCoupledAddresses: true });
  await fixture.untilAtRest();
  await fixture.book('apt-2', '11:00', '11:20');
  await fixture.untilAtRest();
  expect(coupled()).toEqual([
    expect.not.objectContaining({ apply_on_coupled_addresses: true }),
    expect.objectContaining({ apply_on_coupled_addresses: true }),
  ]);
});

describe('breaks on two coupled addresses that are calendars here, with buffers', () => {
  const estate = {
    facilities: [
      {
        id: 'facility',
        doctors: [
          {
            id: 'doctor',
            addresses: [
              ['nowak', 'lis'],
              ['lis', 'nowak'],
            ].map(([id = '', other = '']) => ({
              id: addressOf(id).addressId,
              services: [{ id: 'visit' }],
              coupledWith: [addressOf(other).addressId],
            })),
          },
        ],
      },
    ],
  };

  async function coupled(lis: 'slots' | 'breaks' | 'book'): Promise<ClinicFixture> {
    const notifications = PULL_SETTINGS;
    const fixture = await ClinicFixture.open({
      still: true,
      sandbox: { estate },
      calendars: ['nowak', 'lis'],
      notifications,
    });
    const clients = ['many', 'alone'].map((id) => ({ id, secret: 'secret', notifications: 'pull' as const }));
    fixture.sandbox.setEstate(estate, clients);
    for (const [id, strategy] of Object.entries({ nowak: 'breaks', lis } as const)) {
      const how = { strategy, applyOnCoupledAddresses: true, bufferBefore: 10, bufferAfter: 10 };
      await fixture.engine.putCalendar({ id, account: 'many', ...addressOf(id), ...how });
      await fixture.open(id, fixture.date, { from: '10:00', to: '13:00' });
    }
    await fixture.untilAtRest();
    return fixture;
  }

  const taken = async (fixture: ClinicFixture, calendar: string) =>
    ((await fixture.engine.days(calendar, fixture.date, fixture.date))?.[0]?.busy ?? []).map(
      ({ start, end }) => [start, end].map((iso) => iso.slice(11, 16)).join('-'),
    );

  test.each(['breaks', 'book'] as const)('do not cause further breaks: %s', async (strategy) => {
    const fixture = await coupled(strategy);
    await fixture.book('apt-1', '11:20', '11:40');
    await pullUntil(fixture, async () => (await taken(fixture, 'lis')).length > 0);
    await pullAll(fixture);
    for (const calendar of ['nowak', 'lis']) expect(hiding(fixture, calendar)).toEqual(['break 11:10-11:50']);
    expect(await taken(fixture, 'lis')).toEqual(['11:10-11:50']);
    expect(fixture.requests('addCalendarBreak')).toHaveLength(1);

    await fixture.book('apt-1', '12:00', '12:20');
    await pullUntil(fixture, async () => (await taken(fixture, 'lis'))[0] === '11:50-12:30');
    await pullAll(fixture);
    for (const calendar of ['nowak', 'lis']) expect(hiding(fixture, calendar)).toEqual(['break 11:50-12:30']);
    await fixture.free('apt-1');
    await pullUntil(fixture, async () => (await taken(fixture, 'lis')).length === 0);
    await pullAll(fixture);
    for (const calendar of ['nowak', 'lis']) expect(hiding(fixture, calendar)).toEqual([]);
    expect(fixture.requests('addCalendarBreak')).toHaveLength(1);
  });

  test('close no more of the coupled calendar than of their own', async () => {
    const fixture = await coupled('slots');
    await fixture.book('apt-1', '11:20', '11:40');
    await pullUntil(fixture, async () => (await taken(fixture, 'lis')).length > 0);
    await pullAll(fixture);
    const [day] = (await fixture.engine.days('lis', fixture.date, fixture.date)) ?? [];
    expect(day?.wanted.map(({ start, end }) => `${start.slice(11, 16)}-${end.slice(11, 16)}`)).toEqual([
      '10:00-11:10',
      '11:50-13:00',
    ]);
  });

  test.each(['slots', 'breaks'] as const)("keep the buffers of a doctor's break: %s", async (strategy) => {
    const fixture = await coupled(strategy);
    const range = { since: fixture.at('11:20'), till: fixture.at('11:40') };
    fixture.sandbox.addBreak(addressOf('lis'), { ...range, description: 'lunch' });
    await pullUntil(fixture, async () => (await taken(fixture, 'lis')).length > 0);
    await pullAll(fixture);
    expect(fixture.shown('lis')).toEqual(
      strategy === 'slots'
        ? ['10:00', '10:20', '10:40', '11:50', '12:10', '12:30']
        : ['10:00', '10:20', '10:40', '12:00', '12:20', '12:40'],
    );
  });
});

test.each([
  ['replaceSlots', 409],
  ['replaceSlots', 404],
  ['deleteSlots', 404],
] as const)(
  'breaks stay where the slots that replace them are refused: %s, %i',
  async (operation, status) => {
    const fixture = await opened({ strategy: 'breaks' });
    const seen = new Set<string>();
    await fixture.book('apt-1', '10:00', operation === 'deleteSlots' ? '12:00' : '11:00');
    await fixture.untilAtRest();
    const before = fixture.shown();
    fixture.sandbox.on('request', () => {
      for (const time of fixture.shown()) seen.add(time);
    });
    fixture.sandbox.faults.set([{ fault: { kind: 'status', status }, match: { operation } }]);
    await fixture.strategy('slots');
    await fixture.untilAtRest();
    expect([...seen].filter((time) => !before.includes(time))).toEqual([]);
    expect(fixture.requests(operation).some((request) => request.status === status)).toBe(true);
    expect(fixture.shown()).toEqual(before);
    fixture.sandbox.faults.clear();
    const failures = await fixture.engine.failures.list();
    await fixture.engine.failures.settle(
      'retry',
      failures.map(({ id }) => id),
    );
    await fixture.untilAtRest();
    expect(fixture.shown()).toEqual(before);
    expect(hiding(fixture)).toEqual([]);
  },
);

test('a break is requested again where a 409 was wrong', async () => {
  const fixture = await opened({ strategy: 'breaks' });
  const match = { operation: 'addCalendarBreak' };
  fixture.sandbox.faults.set([{ fault: { kind: 'status', status: 409 }, match, times: 1 }]);
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.untilAtRest();
  expect(hiding(fixture)).toEqual(['break 10:20-10:40']);
  expect(await fixture.engine.failures.list()).toEqual([]);
});

test('a break that exists already is read after a 409', async () => {
  const fixture = await opened({ strategy: 'breaks' });
  const fault = { kind: 'status', status: 409, applied: true } as const;
  fixture.sandbox.faults.set([{ fault, match: { operation: 'addCalendarBreak' }, times: 1 }]);
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.untilAtRest();
  expect(hiding(fixture)).toEqual(['break 10:20-10:40']);
  expect(fixture.requests('addCalendarBreak')).toHaveLength(1);
});

test('with book, an empty database continues with the existing placeholders, and puts nothing on sale', async () => {
  const fixture = await opened({ strategy: 'book' });
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.book('apt-2', '11:10', '11:30');
  await fixture.untilAtRest();
  const before = hiding(fixture);
  const asked = fixture.requests('bookSlot').length;
  let onSale = 0;
  fixture.sandbox.on('request', () => {
    if (fixture.shown().some((time) => time === '10:20' || time === '11:20')) onSale += 1;
  });
  const tables = ['bookings', 'breaks', 'occupancy', 'windows', 'days', 'events'] as const;
  for (const table of tables) await fixture.engine.db.deleteFrom(`slotkeeper.${table}`).execute();

  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.book('apt-2', '11:10', '11:30');
  await fixture.open('nowak', fixture.date, { from: '10:00', to: '12:00' });
  await fixture.untilAtRest();
  expect(hiding(fixture)).toEqual(before);
  expect(fixture.requests('bookSlot')).toHaveLength(asked);
  expect(onSale).toBe(0);

  await fixture.free('apt-1');
  await fixture.free('apt-2');
  await fixture.untilAtRest();
  expect(hiding(fixture)).toEqual([]);
});

test.each(['slots', 'breaks'] as const)(
  'after %s, book keeps the break of an existing appointment, and books new ones',
  async (from) => {
    const fixture = await opened({ strategy: from });
    await fixture.book('apt-1', '10:20', '10:40');
    await fixture.untilAtRest();
    await fixture.strategy('book');
    await fixture.untilAtRest();
    expect(hiding(fixture)).toEqual(['break 10:20-10:40']);
    await fixture.book('apt-2', '11:00', '11:20');
    await fixture.untilAtRest();
    expect(hiding(fixture)).toEqual(['break 10:20-10:40', 'booking 11:00-11:20']);
    await fixture.book('apt-1', '11:20', '11:40');
    await fixture.untilAtRest();
    expect(hiding(fixture).sort()).toEqual(['booking 11:00-11:20', 'booking 11:20-11:40']);
  },
);
