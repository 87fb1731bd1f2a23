import { describe, expect, test } from '@jest/globals';
import { type Estate, Sandbox, SandboxInputError } from '../../src/sandbox/index.js';
import { A, ADDRESS, DAY, partner, patientTimes, period, startSandbox } from './helper.js';

const address = (more: object = {}) => ({
  id: '789',
  services: [{ id: '123', name: 'Consultation', price: 200 }],
  ...more,
});
const estateWith = (...addresses: ReturnType<typeof address>[]): Estate => ({
  facilities: [
    { id: '456', name: 'Clinic', doctors: [{ id: '9876', name: 'Ewa', surname: 'Example', addresses }] },
    { id: '457', doctors: [] },
  ],
});
const clients = [
  { id: 'clinic', secret: 's3cret', facilities: ['456'] },
  { id: 'stranger', secret: 's3cret', facilities: ['457'] },
];

describe('without an estate', () => {
  test('every id exists on first use, in Warsaw or the configured zone', async () => {
    const sandbox = await startSandbox({ timeZone: 'America/Sao_Paulo' });
    const send = await partner(sandbox);
    await send('PUT', `${A}/slots`, { slots: [period('10:00', '10:10')] });
    expect(sandbox.patientView(ADDRESS, ...DAY)).toEqual([
      { start: '2026-11-16T06:00:00-03:00', services: ['123'] },
    ]);
    expect((await send('GET', '/facilities')).body).toEqual({
      _items: [{ id: '456', name: 'Facility 456' }],
    });
  });
});

describe('with an estate', () => {
  test('the seeded resources can be read', async () => {
    const send = await partner(
      await startSandbox({ estate: estateWith(address({ street: 'Long Street' })), clients }),
    );
    expect((await send('GET', '/facilities')).body._items).toEqual([{ id: '456', name: 'Clinic' }]);
    expect((await send('GET', '/facilities/456')).body).toEqual({ id: '456', name: 'Clinic' });
    expect((await send('GET', '/facilities/456/doctors')).body._items).toEqual([
      { id: '9876', name: 'Ewa', surname: 'Example' },
    ]);
    expect((await send('GET', '/facilities/456/doctors/9876')).body).toMatchObject({ id: '9876' });
    expect((await send('GET', '/facilities/456/doctors/9876/addresses')).body._items).toMatchObject([
      { id: '789' },
    ]);
    expect((await send('GET', A)).body).toMatchObject({ id: '789', street: 'Long Street' });
    expect((await send('GET', `${A}/services`)).body._items).toMatchObject([
      { id: '123', name: 'Consultation', price: 200 },
    ]);
  });

  test("a request is 403 outside the client's facilities, 404 for an unknown id inside, 401 without a token", async () => {
    const sandbox = await startSandbox({ estate: estateWith(address()), clients });
    const send = await partner(sandbox, 'clinic');
    const other = await partner(sandbox, 'stranger');
    expect((await send('GET', `${A}/calendar`)).status).toBe(200);
    expect((await other('GET', `${A}/calendar`)).status).toBe(403);
    expect((await send('GET', '/facilities/999/doctors')).status).toBe(403);
    expect((await send('GET', '/facilities/456/doctors/1/addresses/789/calendar')).status).toBe(404);
    expect((await send('PUT', '/facilities/456/doctors/9876/addresses/1/slots', { slots: [] })).status).toBe(
      404,
    );
    await expect(partner(sandbox, 'nobody')).rejects.toMatchObject({ response: { statusCode: 401 } });
  });

  test('a calendar that is not editable is 403, an address that is not commercial 422', async () => {
    const estate = estateWith(address({ editable: false }), address({ id: '790', commercial: false }));
    const send = await partner(await startSandbox({ estate }));
    const slots = { slots: [period('10:00', '10:10')] };
    expect((await send('PUT', `${A}/slots`, slots)).status).toBe(403);
    expect((await send('DELETE', `${A}/slots/2026-11-16`)).status).toBe(403);
    expect((await send('GET', `${A}/calendar`)).status).toBe(200);
    expect((await send('PUT', A.replace('789', '790').concat('/slots'), slots)).status).toBe(422);
  });

  test('a deleted service loses its starts, and the others remain', async () => {
    const sandbox = await startSandbox({
      estate: estateWith(address({ services: [{ id: '123' }, { id: '124' }] })),
    });
    const send = await partner(sandbox);
    const slots = [
      period('10:00', '10:10', [
        ['123', 10],
        ['124', 10],
      ]),
      period('11:00', '11:10', [['123', 10]]),
    ];
    await send('PUT', `${A}/slots`, { slots });
    sandbox.setEstate(estateWith(address({ services: [{ id: '124' }, { id: '125' }] })));
    expect(sandbox.patientView(ADDRESS, ...DAY)).toEqual([
      { start: '2026-11-16T10:00:00+01:00', services: ['124'] },
    ]);
    expect(
      (await send('PUT', `${A}/slots`, { slots: [period('12:00', '12:10', [['123', 10]])] })).status,
    ).toBe(400);
  });

  test('an invalid estate is refused with path and reason', () => {
    const estate = estateWith(address({ timeZone: 'Europe/Nowhere' }));
    expect(() => new Sandbox({ estate })).toThrow(SandboxInputError);
    expect(() => new Sandbox({ estate })).toThrow(
      'estate.facilities[0].doctors[0].addresses[0].timeZone: is no IANA zone and no fixed offset',
    );
    expect(() => new Sandbox({ limits: { writesPerMinute: 0 } })).toThrow(/limits\.writesPerMinute/);
  });
});

describe('a calendar', () => {
  test('can be disabled and enabled once each, and nobody can book while it is disabled', async () => {
    const sandbox = await startSandbox();
    const send = await partner(sandbox);
    await send('PUT', `${A}/slots`, { slots: [period('10:00', '10:10')] });
    expect((await send('POST', `${A}/calendar/enable`)).status).toBe(409);
    expect((await send('POST', `${A}/calendar/disable`)).status).toBe(200);
    expect((await send('GET', `${A}/calendar`)).body).toEqual({ status: 'disabled' });
    expect(patientTimes(sandbox)).toEqual([]);
    expect((await send('POST', `${A}/calendar/disable`)).status).toBe(409);
    expect((await send('POST', `${A}/calendar/enable`)).status).toBe(200);
    expect(patientTimes(sandbox)).toEqual(['10:00']);
  });

  test('of a disabled address cannot be enabled, 400, nor of one that is not commercial, 422', async () => {
    const estate = estateWith(
      address({ active: false }),
      address({ id: '790', commercial: false, calendar: 'disabled' }),
    );
    const send = await partner(await startSandbox({ estate }));
    expect((await send('POST', `${A}/calendar/enable`)).status).toBe(400);
    expect((await send('POST', `${A.replace('789', '790')}/calendar/enable`)).status).toBe(422);
  });

  test('an operation that does not exist is 404 in the error shape', async () => {
    const send = await partner(await startSandbox());
    expect(await send('GET', `${A}/nonsense`)).toMatchObject({
      status: 404,
      body: { errors: [], message: 'Not found.' },
    });
    expect((await send('POST', `${A}/slots`, {})).status).toBe(404);
  });
});
