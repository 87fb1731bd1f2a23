// Tests of the parsing of answers: older and newer formats, pages, unknown fields.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { baseUrlOf, domains } from '../../src/docplanner/index.js';
import { address, type HttpMarketplace, json, startMarketplace } from './http-marketplace.js';

const start = '2026-11-16T10:00:00+01:00';
const end = '2026-11-16T11:00:00+01:00';

let marketplace: HttpMarketplace;
beforeEach(async () => {
  marketplace = await startMarketplace();
});
afterEach(() => marketplace.close());

describe('bookable starts', () => {
  test('have their services in every format of the marketplace', async () => {
    marketplace.reply = json(200, {
      _items: [
        { start: '2026-11-16T10:00:00+0100' },
        { start, address_services: { _items: [{ id: 123, name: 'USG', price: 50 }] }, extra: 1 },
        { start, address_services: [{ id: '124' }, { id: '125' }] },
        { start, services: [] },
      ],
    });
    await expect(marketplace.client().getSlots(address, start, end)).resolves.toEqual([
      { start },
      { start, services: ['123'] },
      { start, services: ['124', '125'] },
      { start, services: [] },
    ]);
  });

  test.each(['2026-11-16', '2026-11-16T10:00:00', '2026-13-16T10:00:00+01:00', 7])(
    'at %j are not readable',
    async (odd) => {
      marketplace.reply = json(200, { _items: [{ start: odd }] });
      await expect(marketplace.client().getSlots(address, start, end)).rejects.toMatchObject({
        name: 'UnexpectedAnswerError',
      });
    },
  );
});

describe('bookings', () => {
  const booking = (id: number) => ({ id, status: 'booked', start_at: start, end_at: end, duration: '60' });

  test('are read with numbers or strings, older offsets and empty instants', async () => {
    marketplace.reply = json(200, {
      id: 6263715,
      status: 'booked',
      start_at: '2026-11-16T10:00:00+0100',
      end_at: '2026-11-16T11:00:00+0100',
      duration: '60',
      booked_by: 'user',
      canceled_by: '',
      canceled_at: '',
      booked_at: '2026-11-14T14:38:19+02:00',
      address_service: { id: 243665, name: 'USG', price: 50, is_price_from: false },
      visit_payment: false,
    });
    await expect(marketplace.client().getBooking(address, '6263715')).resolves.toMatchObject({
      id: '6263715',
      start_at: start,
      end_at: end,
      duration: 60,
      canceled_at: null,
      address_service: { id: '243665', is_price_from: false },
      visit_payment: false,
    });
  });

  test('are all in one answer, without patients unless requested', async () => {
    marketplace.reply = json(200, { _items: Array.from({ length: 250 }, (_, n) => booking(n)) });
    const bookings = await marketplace.client().getBookings(address, start, end);
    expect(bookings).toHaveLength(250);
    const queries = marketplace.seen.map(({ url }) =>
      Object.fromEntries(new URL(url, 'http://x').searchParams),
    );
    expect(queries).toEqual([{ start, end, with: 'booking.address_service' }]);
  });

  test('of a server that always pages are read from all its pages, each once', async () => {
    const pages = [[booking(1), booking(2)], [booking(2)], [booking(3)]];
    marketplace.reply = (request, response) => {
      const page = Number(new URL(request.url, marketplace.baseUrl).searchParams.get('page') ?? 1);
      return json(200, { _items: pages[page - 1], page, limit: 2, pages: 3, total: 4 })(request, response);
    };
    const client = marketplace.client();
    expect((await client.getBookings(address, start, end)).map(({ id }) => id)).toEqual(['1', '2', '3']);
    expect((await client.listBookings(address, start, end, ['patient'])).items).toHaveLength(3);
    expect(marketplace.seen).toHaveLength(6);
    expect(marketplace.seen[4]?.url).toMatch(/page=2&limit=100&with=booking.patient$/);
  });

  test('are parsed when one is not, which is listed separately', async () => {
    const told: unknown[] = [];
    const client = marketplace.client({
      onUnreadable: (operation, unreadable) => told.push([operation, unreadable]),
    });
    const odd = [{ ...booking(2), start_at: 'Visitor' }, { id: null }];
    marketplace.reply = json(200, { _items: [booking(1), ...odd, booking(3)] });
    const { items, unreadable } = await client.listBookings(address, start, end);
    expect(items.map(({ id }) => id)).toEqual(['1', '3']);
    expect(unreadable.map(({ id }) => id)).toEqual(['2', undefined]);
    expect(told).toEqual([['getBookings', unreadable]]);
    expect(JSON.stringify(told)).not.toContain('Visitor');
    // For callers that need the complete list.
    await expect(client.getBookings(address, start, end)).rejects.toThrow('unknown form');
    const day = { since: start, till: end };
    marketplace.reply = json(200, {
      _items: [
        { id: 4, ...day },
        { id: 5, since: start },
      ],
    });
    expect(await client.listCalendarBreaks(address, start, end)).toMatchObject({
      items: [{ id: '4' }],
      unreadable: [{ id: '5' }],
    });
  });

  test('found by id are parsed, missing or unreadable', async () => {
    const client = marketplace.client();
    marketplace.reply = json(200, booking(1));
    expect(await client.findBooking(address, '1')).toMatchObject({ id: '1' });
    marketplace.reply = json(200, { id: 1, status: 'booked' });
    expect(await client.findBooking(address, '1')).toBe('unreadable');
    marketplace.reply = json(404, { message: 'gone', errors: [] });
    expect(await client.findBooking(address, '1')).toBeUndefined();
  });

  test('have their moves, where the marketplace knows them', async () => {
    const moving = async (moving: unknown) => {
      marketplace.reply = json(200, { ...booking(12), moving });
      return (await marketplace.client().getBooking(address, '12', ['moving'])).moving;
    };
    expect(await moving({ origin_booking_id: 12, newest_booking_id: '14' })).toEqual({
      origin_booking_id: '12',
      newest_booking_id: '14',
    });
    expect(await moving(null)).toBeNull();
    expect(await moving({ origin_booking_id: 12 })).toBeUndefined();
    expect(await moving('yes')).toBeUndefined();
  });
});

describe('a missing calendar', () => {
  test('has no status, no breaks and no starts', async () => {
    marketplace.reply = json(404, { message: 'Not found', errors: [] });
    const client = marketplace.client();
    expect(await client.getCalendar(address)).toEqual({ status: 'none' });
    expect(await client.getCalendarBreaks(address, start, end)).toEqual([]);
    expect(await client.listCalendarBreaks(address, start, end)).toEqual({ items: [], unreadable: [] });
    expect(await client.getSlots(address, start, end)).toEqual([]);
  });
});

describe('resources', () => {
  test('are parsed with the fields that match', async () => {
    const client = marketplace.client();
    const doctor = { facilityId: '456', doctorId: '9876' };
    marketplace.reply = json(200, { _items: [{ id: 9876, name: 'Anna', surname: null, colour: 1 }] });
    expect(await client.getDoctors('456')).toEqual([{ id: '9876', name: 'Anna', surname: null, colour: 1 }]);
    const home = {
      id: 789,
      name: null,
      city_name: 'Warszawa',
      is_online_only: 'no',
      commercial_type: 'premium',
    };
    marketplace.reply = json(200, { _items: [home] });
    expect(await client.getAddresses(doctor, ['commercial_type'])).toEqual([
      { id: '789', name: null, city_name: 'Warszawa', commercial_type: 'premium' },
    ]);
    const insurer = { insurance_provider_id: 5, name: 'Alfa' };
    const plan = { insurance_plan_id: '8', name: 'Gold' };
    marketplace.reply = json(200, { _items: [{ ...insurer, insurance_plans: { _items: [plan] } }, insurer] });
    expect(await client.getAddressInsuranceProviders(address)).toEqual([
      { insurance_provider_id: '5', name: 'Alfa', insurance_plans: [plan] },
      { insurance_provider_id: '5', name: 'Alfa', insurance_plans: [] },
    ]);
  });
});

describe('services of an address', () => {
  test('are parsed with their durations and the other fields that match', async () => {
    const usg = { id: 123, name: 'USG', service_id: 7, default_duration: '20', duration: 30, price: null };
    marketplace.reply = json(200, { _items: [usg, { id: '456', name: 5, is_visible: 'no' }] });
    await expect(marketplace.client().getAddressServices(address, start)).resolves.toEqual([
      { id: '123', name: 'USG', service_id: '7', default_duration: 20, duration: 30, price: null },
      { id: '456' },
    ]);
  });
});

describe('notifications', () => {
  test('that are pulled are typed, and none is lost because of its format', async () => {
    const place = { facility: { id: 1 }, doctor: { id: 2 }, address: { id: 3 } };
    const broken = { name: 'break-created', data: place };
    const removed = { name: 'break-removed', data: { ...place, break: { id: 4, since: start, till: end } } };
    marketplace.reply = json(200, { notifications: [removed, broken], remaining: 3 });
    const { notifications, remaining } = await marketplace.client().pullNotifications(2);
    expect(remaining).toBe(3);
    expect(notifications).toMatchObject([
      { name: 'break-removed', data: { address: { id: '3' }, break: { id: '4' } } },
      { name: 'unknown', reportedName: 'break-created', raw: broken },
    ]);
  });

  test('may remain after a full batch without `remaining`', async () => {
    marketplace.reply = json(200, { notifications: [{}, {}], remaining: 'many' });
    expect((await marketplace.client().pullNotifications(2)).remaining).toBeGreaterThan(0);
    expect((await marketplace.client().pullNotifications(3)).remaining).toBe(0);
  });

  test('are none at 404', async () => {
    marketplace.reply = json(404, { message: 'empty', errors: [] });
    await expect(marketplace.client().pullNotifications(10)).resolves.toEqual({
      notifications: [],
      remaining: 0,
    });
  });
});

describe('domains', () => {
  test('have their www. host in the base URL in every spelling', () => {
    expect(domains).toHaveLength(13);
    for (const { domain, timeZone } of domains) {
      expect(baseUrlOf(domain)).toBe(`https://www.${domain}`);
      expect(() => new Intl.DateTimeFormat('en', { timeZone })).not.toThrow();
    }
    expect(baseUrlOf('www.ZnanyLekarz.pl')).toBe('https://www.znanylekarz.pl');
  });

  test.each(['znanylekarz.p1', '', 'https://www.znanylekarz.pl'])('%j is refused', (domain) => {
    expect(() => baseUrlOf(domain)).toThrow(/^domain: /);
  });
});
