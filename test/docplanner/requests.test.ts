// Tests of the requests that the client sends: methods, paths, headers, bodies.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { address, type HttpMarketplace, json, startMarketplace } from './http-marketplace.js';

const A = '/api/v3/integration/facilities/456/doctors/9876/addresses/789';
const start = '2026-11-16T10:00:00+01:00';
const end = '2026-11-16T10:30:00+01:00';
const booking = { id: 1, status: 'booked', start_at: start, end_at: end, duration: '30' };

let marketplace: HttpMarketplace;
beforeEach(async () => {
  marketplace = await startMarketplace();
});
afterEach(() => marketplace.close());

const onlyRequest = () => {
  expect(marketplace.seen).toHaveLength(1);
  const [request] = marketplace.seen;
  if (request === undefined) throw new Error('no request came');
  return request;
};

describe('a request', () => {
  test('has the token, a User-Agent and an Accept header', async () => {
    await marketplace.client().getSlots(address, start, end);
    const { headers } = onlyRequest();
    expect(headers.authorization).toBe('Bearer token-1');
    expect(headers['user-agent']).toMatch(/^slotkeeper\/\d+\.\d+\.\d+/);
    expect(headers.accept).toContain('application/vnd.docplanner+json');
  });

  test('has the configured User-Agent, for tokens too', async () => {
    await marketplace.client({ userAgent: 'clinic/1' }).getSlots(address, start, end);
    expect(onlyRequest().headers['user-agent']).toBe('clinic/1');
    expect(marketplace.tokenRequests[0]?.headers['user-agent']).toBe('clinic/1');
  });

  test('is sent below the path of a base URL that has one', async () => {
    await marketplace.client({ baseUrl: `${marketplace.baseUrl}/pl/` }).getAddressServices(address);
    expect(onlyRequest().url).toBe(`/pl${A}/services`);
  });

  test('reuses its connection', async () => {
    const client = marketplace.client();
    for (let n = 0; n < 5; n += 1) await client.getSlots(address, start, end);
    expect(marketplace.connections()).toBe(1);
  });

  test('is one of at most eight at a time', async () => {
    let open = 0;
    let most = 0;
    marketplace.reply = async (request, response) => {
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setImmediate(resolve));
      open -= 1;
      await json(200, { _items: [] })(request, response);
    };
    const client = marketplace.client();
    await Promise.all(Array.from({ length: 40 }, () => client.getSlots(address, start, end)));
    expect(marketplace.seen).toHaveLength(40);
    expect(most).toBeLessThanOrEqual(8);
    expect(marketplace.connections()).toBeLessThanOrEqual(8);
  });

  test('has its ids and instants percent-encoded', async () => {
    marketplace.reply = json(200, booking);
    await marketplace.client().bookSlot({ facilityId: 'a/b', doctorId: 'ö', addressId: '7?8' }, start, {
      address_service_id: '123',
      duration: 10,
      patient: { name: 'Placeholder', phone: '+48000000000' },
    });
    expect(onlyRequest().url).toBe(
      '/api/v3/integration/facilities/a%2Fb/doctors/%C3%B6/addresses/7%3F8/slots/2026-11-16T10%3A00%3A00%2B01%3A00/book',
    );
  });

  test.each(['', '.', '..'])(
    'is not sent with the id %j, which would name another path',
    async (doctorId) => {
      await expect(marketplace.client().deleteSlots({ ...address, doctorId }, '2026-11-16')).rejects.toThrow(
        /^doctorId: /,
      );
      expect(marketplace.seen).toHaveLength(0);
    },
  );
});

describe('each operation', () => {
  test('replaceSlots sends the slots unchanged, insurance providers and plans as whole numbers', async () => {
    marketplace.reply = json(201, undefined);
    const slots = [
      { start, end, address_services: [{ address_service_id: '123', duration: 10 }] },
      {
        start: '2026-11-16T10:40:00+01:00',
        end: '2026-11-16T11:00:00+01:00',
        address_services: [{ address_service_id: '123', duration: 10 }],
        insurance_accepted: 'with-insurance-only',
        insurance_providers: ['5'],
        insurance_plans: ['8'],
      },
    ] as const;
    await marketplace.client().replaceSlots(address, slots);
    const request = onlyRequest();
    expect([request.method, request.url]).toEqual(['PUT', `${A}/slots`]);
    expect(request.headers['content-type']).toBe('application/json');
    const [first, second] = slots;
    expect(JSON.parse(request.body)).toEqual({
      slots: [first, { ...second, insurance_providers: [5], insurance_plans: [8] }],
    });
  });

  test.each(['A5', '', '05', '1.5', '9007199254740993'])(
    'replaceSlots sends nothing where the id of an insurer is %j, and says which',
    async (id) => {
      const slot = { start, end, address_services: [], insurance_accepted: 'with-insurance-only' } as const;
      const slots = [
        { ...slot, insurance_providers: ['5'] },
        { ...slot, insurance_providers: ['7', id] },
      ];
      await expect(marketplace.client().replaceSlots(address, slots)).rejects.toMatchObject({
        name: 'InvalidRequestError',
        entries: [{ index: 1, field: 'insurance_providers[1]' }],
      });
      expect(marketplace.seen).toHaveLength(0);
    },
  );

  test('replaceSlots refuses an empty list, which would clear nothing', async () => {
    await expect(marketplace.client().replaceSlots(address, [])).rejects.toThrow(TypeError);
    expect(marketplace.seen).toHaveLength(0);
  });

  type Client = ReturnType<HttpMarketplace['client']>;
  interface Operation {
    readonly request: string;
    readonly ask: (client: Client) => Promise<unknown>;
    readonly body?: object;
    readonly answers: readonly [status: number, body?: unknown];
  }
  const move = { address_service_id: '123', start, duration: 10, address_id: '790' };
  const lunch = { since: start, till: end, description: 'lunch' };
  const range = { since: start, till: end };
  const from = '2026-11-16T10%3A00%3A00%2B01%3A00';
  const to = '2026-11-16T10%3A30%3A00%2B01%3A00';
  const operations: readonly Operation[] = [
    { request: 'DELETE /slots/2026-11-16', ask: (c) => c.deleteSlots(address, '2026-11-16'), answers: [204] },
    { request: 'DELETE /bookings/12', ask: (c) => c.cancelBooking(address, '12'), answers: [204] },
    {
      request: 'DELETE /bookings/12',
      ask: (c) => c.cancelBooking(address, '12', 'ill'),
      body: { reason: 'ill' },
      answers: [204],
    },
    {
      request: 'PUT /bookings/12/confirm',
      ask: (c) => c.confirmBooking(address, '12', 'admin'),
      body: { confirmed_by: 'admin' },
      answers: [204],
    },
    {
      request: 'GET ?with=address.online_only%2Caddress.commercial_type',
      ask: (c) => c.getAddress(address, ['online_only', 'commercial_type']),
      answers: [200, { id: 789 }],
    },
    {
      request: 'GET /insurance-providers',
      ask: (c) => c.getAddressInsuranceProviders(address),
      answers: [200, { _items: [] }],
    },
    { request: 'GET /bookings/12', ask: (c) => c.getBooking(address, '12'), answers: [200, booking] },
    {
      request: 'GET /bookings/12?with=booking.moving',
      ask: (c) => c.getBooking(address, '12', ['moving']),
      answers: [200, booking],
    },
    { request: 'GET /calendar', ask: (c) => c.getCalendar(address), answers: [200, { status: 'enabled' }] },
    { request: 'POST /calendar/enable', ask: (c) => c.enableCalendar(address), answers: [200, {}] },
    { request: 'POST /calendar/disable', ask: (c) => c.disableCalendar(address), answers: [200] },
    { request: 'GET /services', ask: (c) => c.getAddressServices(address), answers: [200, { _items: [] }] },
    {
      request: `GET /services?start=${from}`,
      ask: (c) => c.getAddressServices(address, start),
      answers: [200, { _items: [] }],
    },
    {
      request: 'POST /bookings/12/move',
      ask: (c) => c.moveBooking(address, '12', move),
      body: move,
      answers: [201, booking],
    },
    {
      request: `GET /breaks?since=${from}&till=${to}`,
      ask: (c) => c.getCalendarBreaks(address, start, end),
      answers: [200, { _items: [] }],
    },
    {
      request: 'POST /breaks',
      ask: (c) => c.addCalendarBreak(address, lunch),
      body: lunch,
      answers: [201, { id: 4, ...lunch }],
    },
    {
      request: 'PATCH /breaks/4',
      ask: (c) => c.moveCalendarBreak(address, '4', range),
      body: range,
      answers: [204],
    },
    { request: 'DELETE /breaks/4', ask: (c) => c.deleteCalendarBreak(address, '4'), answers: [204] },
    {
      request: `GET /slots?start=${from}&end=${to}&with=slot.services`,
      ask: (c) => c.getSlots(address, start, end),
      answers: [200, { _items: [] }],
    },
  ];

  test.each(operations)('$request', async ({ request, ask, body, answers: [status, answer] }) => {
    marketplace.reply = json(status, answer);
    await ask(marketplace.client());
    const seen = onlyRequest();
    expect(`${seen.method} ${seen.url.replace(A, '')}`).toBe(request);
    expect(seen.body).toBe(body === undefined ? '' : JSON.stringify(body));
    expect(seen.headers['content-type']).toBe(body === undefined ? undefined : 'application/json');
  });

  test('operations outside a calendar have paths above it', async () => {
    marketplace.reply = json(200, { id: 1, _items: [] });
    const client = marketplace.client();
    const doctor = { facilityId: '456', doctorId: '9876' };
    await client.getFacilities();
    await client.getFacility('456');
    await client.getDoctors('456');
    await client.getDoctor(doctor);
    await client.getAddresses(doctor, ['commercial_type']);
    await client.getServices();
    await client.getServices('12');
    await client.getInsuranceProviders();
    await client.getInsurancePlans('5');
    expect(
      marketplace.seen.map(({ method, url }) => `${method} ${url.replace('/api/v3/integration', '')}`),
    ).toEqual([
      'GET /facilities',
      'GET /facilities/456',
      'GET /facilities/456/doctors',
      'GET /facilities/456/doctors/9876',
      'GET /facilities/456/doctors/9876/addresses?with=address.commercial_type',
      'GET /services',
      'GET /services?specialization_id=12',
      'GET /insurance-providers',
      'GET /insurance-providers/5/plans',
    ]);
  });

  test('moveBooking uses the founding path, for an account with that setting', async () => {
    marketplace.reply = json(201, booking);
    await marketplace
      .client({ foundingMovePath: true })
      .moveBooking(address, '12', { address_service_id: '123', start });
    expect(onlyRequest()).toMatchObject({ method: 'POST', url: `${A}/bookings/12` });
  });

  test('pullNotifications and release have paths beside the facilities', async () => {
    marketplace.reply = json(200, { notifications: [], remaining: 0 });
    await marketplace.client().pullNotifications(50);
    marketplace.reply = json(204, undefined);
    await marketplace.client().release();
    expect(marketplace.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /api/v3/integration/notifications/multiple?limit=50',
      'POST /api/v3/integration/notifications/release',
    ]);
  });

  test.each([0, 101, 1.5])('pullNotifications refuses a limit of %d', async (limit) => {
    await expect(marketplace.client().pullNotifications(limit)).rejects.toThrow(/^limit: /);
  });
});

describe('the options', () => {
  test.each(['', 'www.znanylekarz.pl', 'ftp://www.znanylekarz.pl', 'https://me:pw@www.znanylekarz.pl'])(
    'a base URL of %j is refused',
    (baseUrl) => {
      expect(() => marketplace.client({ baseUrl })).toThrow(/^baseUrl: /);
    },
  );
});
