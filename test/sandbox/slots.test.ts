import { describe, expect, test } from '@jest/globals';
import { A, ADDRESS, DAY, partner, patientTimes, period, slotsPath, startSandbox } from './helper.js';

const at = (time: string) => `2026-11-16T${time}:00+01:00`;

describe('replaceSlots', () => {
  test('cuts the founding example into every start but the occupied one', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    const answer = await send('PUT', `${A}/slots`, {
      slots: [period('10:00', '10:30'), period('10:40', '11:00')],
    });
    expect(answer).toMatchObject({ status: 201, text: '' });
    expect(patientTimes(sandbox)).toEqual(['10:00', '10:10', '10:20', '10:40', '10:50']);
  });

  test('cuts an entry into one start per duration of each service, where the whole appointment fits', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    const services: [string, number][] = [
      ['1', 20],
      ['2', 30],
    ];
    await send('PUT', `${A}/slots`, { slots: [period('10:00', '11:10', services)] });
    expect(sandbox.patientView(ADDRESS, ...DAY)).toEqual([
      { start: '2026-11-16T10:00:00+01:00', services: ['1', '2'] },
      { start: '2026-11-16T10:20:00+01:00', services: ['1'] },
      { start: '2026-11-16T10:30:00+01:00', services: ['2'] },
      { start: '2026-11-16T10:40:00+01:00', services: ['1'] },
    ]);
  });

  test.each([
    ['duration', ['10:00 a b', '10:20 a', '10:40 a']],
    ['divisor', ['10:00 a b', '10:20 a b', '10:40 a']],
  ] as const)(
    'a period with services of 20 and 60 minutes is cut by the %s, as its address says',
    async (cutting, shown) => {
      const sandbox = await startSandbox();
      const send = await partner(sandbox);
      sandbox.setCutting(ADDRESS, cutting);
      const services: [string, number][] = [
        ['a', 20],
        ['b', 60],
      ];
      await send('PUT', `${A}/slots`, { slots: [period('10:00', '11:20', services)] });
      const starts = sandbox.patientView(ADDRESS, DAY[0], at('11:00'));
      expect(starts.map(({ start, services }) => [start.slice(11, 16), ...services].join(' '))).toEqual(
        shown,
      );
    },
  );

  test('removes three starts of 20 minutes for a booking of 60', async () => {
    const address = { id: '789', cutting: 'divisor' as const, services: [{ id: 'a' }, { id: 'b' }] };
    const estate = { facilities: [{ id: '456', doctors: [{ id: '9876', addresses: [address] }] }] };
    const sandbox = await startSandbox({ estate });
    const send = await partner(sandbox);
    const services: [string, number][] = [
      ['a', 20],
      ['b', 60],
    ];
    await send('PUT', `${A}/slots`, { slots: [period('10:00', '12:00', services)] });
    sandbox.book(ADDRESS, { start: at('10:20'), serviceId: 'b' });
    expect(patientTimes(sandbox)).toEqual(['10:00', '11:20', '11:40']);
  });

  test('replaces the dates that it names and not the others', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    const tuesday = period('09:00', '09:10', [['123', 10]], '2026-11-17');
    await send('PUT', `${A}/slots`, { slots: [period('10:00', '11:00'), tuesday] });
    await send('PUT', `${A}/slots`, { slots: [period('12:00', '12:10')] });
    expect(sandbox.slots(ADDRESS, DAY[0], '2026-11-18T00:00:00+01:00').map(({ start }) => start)).toEqual([
      '2026-11-16T12:00:00+01:00',
      '2026-11-17T09:00:00+01:00',
    ]);
  });

  test.each([[[]], [null]])(
    'an entry with address_services %j removes the slots of that range only',
    async (none) => {
      const sandbox = await startSandbox();
      const send = await partner(sandbox);
      await send('PUT', `${A}/slots`, { slots: [period('10:00', '11:00')] });
      await send('PUT', `${A}/slots`, { slots: [{ ...period('10:20', '10:40'), address_services: none }] });
      expect(patientTimes(sandbox)).toEqual(['10:00', '10:10', '10:40', '10:50']);
    },
  );

  test('accepts an empty list of slots, which clears nothing', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    await send('PUT', `${A}/slots`, { slots: [period('10:00', '10:20')] });
    expect(await send('PUT', `${A}/slots`, { slots: [] })).toMatchObject({ status: 201 });
    expect(patientTimes(sandbox)).toEqual(['10:00', '10:10']);
  });

  test("accepts the founding page's number ids and offsets without a colon, and converts to the local zone", async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    const slot = {
      start: '2026-11-16T10:00:00+0200',
      end: '2026-11-16T10:20:00+0200',
      address_services: [{ address_service_id: 123, duration: 10 }],
    };
    expect(await send('PUT', `${A}/slots`, { slots: [slot] })).toMatchObject({ status: 201 });
    expect(sandbox.patientView(ADDRESS, ...DAY)).toEqual([
      { start: '2026-11-16T09:00:00+01:00', services: ['123'] },
      { start: '2026-11-16T09:10:00+01:00', services: ['123'] },
    ]);
  });
});

const TOO_SHORT = 'slots[1].minimumDifferenceBetweenDates';

describe('what replaceSlots refuses', () => {
  const bad = (changes: object) => ({
    slots: [period('09:00', '09:30'), { ...period('10:00', '11:00'), ...changes }],
  });

  test.each([
    ['an end before its start', { end: '2026-11-16T09:59:00+01:00' }, TOO_SHORT, /at least 1 minute/],
    ['less than a minute', { end: '2026-11-16T10:00:59+01:00' }, TOO_SHORT, /at least 1 minute/],
    [
      'an end after 12 weeks',
      { start: '2027-02-08T07:00:00+01:00', end: '2027-02-08T08:00:01+01:00' },
      'slots[1].end',
      /12 weeks/,
    ],
  ])(
    '%s, by the index of the entry, and applies none of the request',
    async (_what, changes, path, reason) => {
      const sandbox = await startSandbox();
      const send = await partner(sandbox);
      const answer = await send('PUT', `${A}/slots`, bad(changes));
      expect(answer).toMatchObject({
        status: 400,
        headers: { 'content-type': 'application/vnd.error+docplanner+json' },
      });
      expect(Object.keys(answer.body.errors)).toEqual([path]);
      expect(answer.body.errors[path][0]).toMatch(reason);
      expect(typeof answer.body.message).toBe('string');
      expect(patientTimes(sandbox)).toEqual([]);
    },
  );

  test.each([
    ['a second local date', { end: '2026-11-17T00:00:00+01:00' }, /single day boundary/],
    ['an instant without an offset', { end: '2026-11-16T11:00:00' }, /datetime/],
    ['an instant without seconds', { start: '2026-11-16T10:00+01:00' }, /datetime/],
    ['a day that does not exist', { start: '2026-02-30T10:00:00+01:00' }, /datetime/],
    ['a missing end', { end: undefined }, /datetime/],
    [
      'a duration of no minutes',
      { address_services: [{ address_service_id: '1', duration: 0 }] },
      /at least 1/,
    ],
    ['an unknown insurance word', { insurance_accepted: 'sometimes' }, /valid choice/],
    ['an insurance provider that is no integer', { insurance_providers: ['axa'] }, /integer/],
    [
      'with-insurance-only without providers',
      { insurance_accepted: 'with-insurance-only', insurance_providers: [] },
      /required/,
    ],
    [
      'without-insurance-only with providers',
      { insurance_accepted: 'without-insurance-only', insurance_providers: [52] },
      /not allowed/,
    ],
  ])('%s, in words only, and applies none of the request', async (_what, changes, reason) => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    const answer = await send('PUT', `${A}/slots`, bad(changes));
    expect(answer).toMatchObject({
      status: 400,
      body: { errors: [], message: expect.stringMatching(reason) },
    });
    expect(patientTimes(sandbox)).toEqual([]);
  });

  test('an end at exactly 12 weeks is still accepted', async () => {
    const send = await partner(await startSandbox());
    const slot = period('07:00', '08:00', [['123', 10]], '2027-02-08');
    expect(await send('PUT', `${A}/slots`, { slots: [slot] })).toMatchObject({ status: 201 });
  });

  test('a body that is not JSON, and one without slots', async () => {
    const send = await partner(await startSandbox());
    expect(await send('PUT', `${A}/slots`, '{"slots":')).toMatchObject({ status: 400, body: { errors: [] } });
    const without = { status: 400, body: { errors: [], message: expect.stringMatching(/^slots: /) } };
    expect(await send('PUT', `${A}/slots`, {})).toMatchObject(without);
  });

  test('an unknown service refuses the whole request and names no entry', async () => {
    const address = { id: '789', timeZone: 'Europe/Warsaw', services: [{ id: '123' }] };
    const estate = { facilities: [{ id: '456', doctors: [{ id: '9876', addresses: [address] }] }] };
    const sandbox = await startSandbox({ estate });
    const send = await partner(sandbox);
    const slots = [period('10:00', '10:30'), period('11:00', '11:30', [['999', 10]])];
    const answer = await send('PUT', `${A}/slots`, { slots });
    expect(answer).toMatchObject({ status: 400, body: { errors: [] } });
    expect(patientTimes(sandbox)).toEqual([]);
  });
});

describe('deleteSlots', () => {
  test('clears one local date', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    const tuesday = period('09:00', '09:10', [['123', 10]], '2026-11-17');
    await send('PUT', `${A}/slots`, { slots: [period('10:00', '11:00'), tuesday] });
    expect(await send('DELETE', `${A}/slots/2026-11-16`)).toMatchObject({ status: 204, text: '' });
    expect(sandbox.slots(ADDRESS, DAY[0], '2026-11-18T00:00:00+01:00')).toMatchObject([
      { start: '2026-11-17T09:00:00+01:00', end: '2026-11-17T09:10:00+01:00' },
    ]);
  });

  test('accepts an instant of the date, as the official client sends it', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    await send('PUT', `${A}/slots`, { slots: [period('10:00', '11:00')] });
    const instant = encodeURIComponent('2026-11-15T23:30:00+00:00');
    expect(await send('DELETE', `${A}/slots/${instant}`)).toMatchObject({ status: 204 });
    expect(patientTimes(sandbox)).toEqual([]);
  });

  test('is 204 for a date without slots, and refuses an invalid date', async () => {
    const send = await partner(await startSandbox());
    expect(await send('DELETE', `${A}/slots/2026-11-16`)).toMatchObject({ status: 204 });
    expect(await send('DELETE', `${A}/slots/2026-11-31`)).toMatchObject({ status: 400 });
  });
});

describe('getSlots', () => {
  test('shows the free starts of a half-open range, and services with the scope', async () => {
    const send = await partner(await startSandbox());
    await send('PUT', `${A}/slots`, { slots: [period('10:00', '11:00', [['123', 20]])] });
    const some = await send('GET', slotsPath('2026-11-16T10:20:00+01:00', '2026-11-16T10:40:00+01:00'));
    expect(some).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/vnd.docplanner+json; charset=UTF-8' },
    });
    expect(some.body).toEqual({ _items: [{ start: '2026-11-16T10:20:00+01:00' }] });
    const full = await send('GET', slotsPath(...DAY, '&with=slot.services'));
    expect(full.body._items[0]).toMatchObject({ address_services: { _items: [{ id: '123' }] } });
  });

  test('is 404 where there are none, and shows none that are past', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    expect(await send('GET', slotsPath(...DAY))).toMatchObject({ status: 404, body: { errors: [] } });
    await send('PUT', `${A}/slots`, { slots: [period('07:00', '08:10')] });
    expect((await send('GET', slotsPath(...DAY))).body).toEqual({
      _items: [{ start: '2026-11-16T08:00:00+01:00' }],
    });
  });

  test('refuses more than 180 days, a missing end and a plus sign that was not encoded', async () => {
    const send = await partner(await startSandbox());
    expect(
      await send('GET', slotsPath('2026-11-16T00:00:00+01:00', '2027-05-15T00:00:00+02:00')),
    ).toMatchObject({ status: 404 });
    const long = await send('GET', slotsPath('2026-11-16T00:00:00+01:00', '2027-05-16T00:00:00+02:00'));
    expect(long).toMatchObject({
      status: 400,
      body: { errors: [], message: expect.stringContaining('180 days') },
    });
    expect(await send('GET', `${A}/slots?start=2026-11-16T00:00:00%2B01:00`)).toMatchObject({ status: 400 });
    expect(
      await send('GET', `${A}/slots?start=2026-11-16T00:00:00+01:00&end=${encodeURIComponent(DAY[1])}`),
    ).toMatchObject({ status: 400 });
  });

  test("formats each instant with the zone's offset, also in the night when the clock goes back", async () => {
    const sandbox = await startSandbox({ now: () => Date.parse('2026-10-20T08:00:00+02:00') });
    const send = await partner(sandbox);
    const slot = {
      start: '2026-10-25T02:00:00+02:00',
      end: '2026-10-25T03:00:00+01:00',
      address_services: [{ address_service_id: '1', duration: 60 }],
    };
    await send('PUT', `${A}/slots`, { slots: [slot] });
    const answer = await send('GET', slotsPath('2026-10-25T00:00:00+02:00', '2026-10-26T00:00:00+01:00'));
    expect(answer.body._items).toEqual([
      { start: '2026-10-25T02:00:00+02:00' },
      { start: '2026-10-25T02:00:00+01:00' },
    ]);
  });
});
