// Tests of the parsing of notifications: 17 kinds, and unknown ones.

import { describe, expect, test } from '@jest/globals';
import { isApprovalRequest, notificationNames, parseNotification } from '../../src/docplanner/index.js';

const since = '2026-11-18T16:00:00+01:00';
const till = '2026-11-18T16:30:00+01:00';
const place = {
  facility: { id: '226402', name: 'Test Hospital' },
  doctor: { id: 161262, name: 'John', surname: 'Average' },
  address: { id: '410150', name: 'Test Hospital', street: 'Obrzezna', commercial_type: 'saas-only' },
};
const booking = {
  id: '1',
  status: 'booked',
  start_at: since,
  end_at: till,
  duration: '30',
  booked_by: 'user',
};
const request = {
  start_at: since,
  end_at: till,
  duration: 30,
  booking_at: '2026-11-14T14:38:30+0100',
  booking_by: 'user',
  address_service: { id: 7 },
};
const ending = {
  id: 1,
  start_at: since,
  end_at: till,
  duration: 30,
  booked_by: 'user',
  canceling_by: 'doctor',
  canceling_at: '2026-11-14T14:38:30+0100',
  address_service: { id: 7 },
};
const calendarBreak = { id: 5, since, till };
const service = { id: 7, name: 'USG' };

const data: Record<string, object> = {
  'slot-booking': { visit_booking_request: request },
  'slot-booked': { visit_booking: booking },
  'booking-canceled': { visit_booking: { ...booking, canceled_by: 'user', canceled_at: since } },
  'booking-moving': { canceling_booking: ending, creating_booking: request },
  'booking-moved': {
    old_visit_booking: { ...booking, status: 'canceled' },
    new_visit_booking: { ...booking, id: 2 },
  },
  'booking-confirmed': { visit_booking: booking },
  'booking-payment-status-changed': {
    visit_booking: booking,
    visit_payment_status: { status_from: 'not-paid', status_to: 'paid', changed_at: since },
  },
  'presence-marked': { visit_booking: booking, presence: 'PRESENT' },
  'break-created': { break: calendarBreak },
  'break-moved': { break: calendarBreak },
  'break-removed': { break: calendarBreak },
  'address-service-created': { address_service: service },
  'address-service-changed': { address_service: service },
  'address-service-deleted': { address_service: service },
  'address-commercial-type-changed': {},
  'address-assigned': {},
  'address-unassigned': {},
};

const notification = (name: string, own: object = data[name] ?? {}) => ({
  name,
  data: { ...place, ...own },
  created_at: '2026-11-14T14:38:32+0200',
});

describe('a known notification', () => {
  test('has one of seventeen names', () => {
    expect([...notificationNames].sort()).toEqual(Object.keys(data).sort());
    expect(notificationNames).toHaveLength(17);
  });

  test.each(Object.keys(data))('%s is read', (name) => {
    expect(parseNotification(notification(name))).toMatchObject({
      name,
      created_at: '2026-11-14T14:38:32+02:00',
      data: { doctor: { id: '161262', surname: 'Average' } },
    });
  });

  test('that requests approval has its time and actor, without a status', () => {
    const asked = parseNotification(notification('booking-moving'));
    expect(asked).toMatchObject({
      data: {
        canceling_booking: {
          id: '1',
          canceling_by: 'doctor',
          canceling_at: '2026-11-14T14:38:30+01:00',
          booked_by: 'user',
        },
        creating_booking: { booking_at: '2026-11-14T14:38:30+01:00', booking_by: 'user', duration: 30 },
      },
    });
  });

  test('retains unknown fields', () => {
    const told = parseNotification(
      notification('slot-booked', { visit_booking: { ...booking, colour: 'red' } }),
    );
    expect(told).toMatchObject({ data: { visit_booking: { id: '1', duration: 30, colour: 'red' } } });
  });

  const odd: readonly [string, object, object?][] = [
    ['a price that is text', { address_service: { id: '7', price: '150.00' } }],
    ['a service without an id', { address_service: { name: 'Visit' } }],
    ['a time of booking without an offset', { booked_at: '2026-01-01 10:00:00' }],
    ['a time of cancelling that is a number', { canceled_at: 1_767_258_000 }],
    ['somebody who cancelled and is no text', { canceled_by: false }],
    ['a patient’s name that is a number', { patient: { name: 5 } }],
    ['a duration that is none', { duration: 20.5 }],
    ['a comment that is a list', { comment: ['come early'], booked_by: 3 }],
    ['a name of the clinic that is none', {}, { facility: { id: '226402', name: 7 } }],
    ['a time of its own without an offset', {}, { created_at: '2026-01-01T10:00:00' }],
  ];

  test.each(odd)('with %s is parsed, and retains the value unchanged', (_what, about, more = {}) => {
    const { created_at, ...place } = { created_at: '2026-11-14T14:38:32+02:00', ...more };
    const raw = notification('slot-booked', { visit_booking: { ...booking, ...about }, ...place });
    const told = parseNotification({ ...raw, created_at });
    expect(told).toMatchObject({
      name: 'slot-booked',
      created_at,
      data: { visit_booking: { id: '1', ...about }, ...place },
    });
  });

  test('that only names its booking does not need its time', () => {
    const told = parseNotification(
      notification('presence-marked', { visit_booking: { id: 7 }, presence: 1 }),
    );
    expect(told).toMatchObject({
      name: 'presence-marked',
      data: { visit_booking: { id: '7' }, presence: 1 },
    });
  });

  test.each(Object.keys(data))('%s asks, or does not', (name) => {
    expect(isApprovalRequest(parseNotification(notification(name)))).toBe(
      ['slot-booking', 'booking-moving'].includes(name),
    );
  });
});

describe('an unknown notification', () => {
  const odd: readonly [string, unknown, string | undefined][] = [
    ['of a new kind', notification('doctor-retired'), 'doctor-retired'],
    ['that lacks its booking', notification('slot-booked', {}), 'slot-booked'],
    ['that calls itself unknown', notification('unknown'), 'unknown'],
    ['without a name', { data: place }, undefined],
    ['that is no object', 'ping', undefined],
    ['that is nothing', null, undefined],
  ];

  test.each(odd)('%s is retained unparsed', (_what, raw, reportedName) => {
    const told = parseNotification(raw);
    if (told.name !== 'unknown') throw new Error('it was taken for a known one');
    expect(told.raw).toBe(raw);
    expect(told.reportedName).toBe(reportedName);
    expect(told.problem).not.toBe('');
    expect(isApprovalRequest(told)).toBe(false);
  });

  test('has the path of the mismatch without the values, which may be patient data', () => {
    const told = parseNotification(
      notification('slot-booked', { visit_booking: { ...booking, start_at: 'Visitor' } }),
    );
    expect(told).toMatchObject({
      problem: 'data.visit_booking.start_at: not an ISO 8601 instant with an offset',
    });
  });
});
