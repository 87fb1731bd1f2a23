// Bookings as the integration sees them: book a slot, list, read, cancel, move, confirm. Contract: Resources, bookSlot.
import { z } from 'zod';
import { type Answer, Refusal } from '../http/answer.js';
import type { Call, Operation } from '../http/operation.js';
import type { Booking, Patient, VisitInsurance } from '../market/booking.js';
import type { NoTime } from '../market/visit-time.js';
import { book, cancel, confirm, move, newestOf } from '../market/visits.js';
import { fullBooking, listedBooking } from '../serialize.js';
import { parseWritten } from '../zone.js';
import { moveTarget } from './move-target.js';
import { ADDRESS } from './paths.js';
import {
  assertCommercial,
  bodyAs,
  editablePlaceOf,
  idSchema,
  instantSchema,
  invalid,
  minutesSchema,
  NOT_AN_INSTANT,
  type Place,
  param,
  placeOf,
  rangeIn,
  scopesOf,
} from './read.js';

const patientSchema = z.object({
  name: z.string('This value is required.').min(1, 'This value is required.'),
  phone: z.string('This value is required.').min(1, 'This value is required.'),
  surname: z.string().nullish(),
  email: z.string().nullish(),
  birth_date: z.string().nullish(),
  nin: z.string().nullish(),
  gender: z.enum(['m', 'f']).nullish(),
  marketing_consent: z.boolean().nullish(),
  data_privacy_consent: z.boolean().nullish(),
});

const bookSchema = z.object({
  address_service_id: idSchema,
  duration: minutesSchema,
  patient: patientSchema,
  is_returning: z.boolean().optional(),
  label: z.string().nullish(),
  comment: z.string().nullish(),
  insurance_provider_id: idSchema.nullish(),
  insurance_plan_id: idSchema.nullish(),
  is_recurring: z.boolean().optional(),
});

const confirmSchema = z.object({ confirmed_by: z.enum(['user', 'admin'], 'confirmed_by value is invalid') });

const moveSchema = z.object({
  address_service_id: idSchema,
  start: instantSchema,
  duration: minutesSchema.optional(),
  address_id: idSchema.optional(),
});

const cancelSchema = z.object({ reason: z.string('The reason should be text.').nullish() });

/** Of bookings made before, the marketplace does not know where they moved. */
const MOVING_KNOWN_SINCE = Date.parse('2025-04-02T00:00:00Z');

const bookSlot: Operation = {
  name: 'bookSlot',
  method: 'POST',
  path: `${ADDRESS}/slots/:start/book`,
  handle: (call) => {
    const place = editablePlaceOf(call);
    const start = parseWritten(param(call, 'start'));
    if (start === undefined) throw invalid('start', NOT_AN_INSTANT);
    assertCommercial(place);
    const body = bodyAs(bookSchema, call);
    const request = {
      serviceId: body.address_service_id,
      start,
      duration: call.market.askedDurations ? body.duration : undefined,
      patient: patientOf(body),
      comment: body.comment ?? undefined,
      insurance: insuranceOf(body),
      by: 'integration',
    } as const;
    const outcome = book(call.market, place.calendar, request, call.now);
    if (!outcome.ok) throw noTime(outcome.reason, new Refusal(404, 'Slot not found.'));
    return { status: 200, body: full(outcome.booking, call, place) };
  },
};

const getBookings: Operation = {
  name: 'getBookings',
  method: 'GET',
  path: `${ADDRESS}/bookings`,
  handle: (call) => {
    const place = placeOf(call);
    const range = rangeIn(call, 'start', 'end');
    const page = call.query.has('page') ? wholeIn(call, 'page', 1, Number.MAX_SAFE_INTEGER) : undefined;
    const limit = wholeIn(call, 'limit', 100, 100);
    const all = [...place.calendar.bookings.values()]
      .filter(({ start }) => range.start <= start && start < range.end)
      .sort((a, b) => a.start - b.start || Number(a.id) - Number(b.id));
    const found = page === undefined ? all : all.slice((page - 1) * limit, page * limit);
    const total = all.length;
    const paging =
      page === undefined ? {} : { page, limit, pages: Math.max(1, Math.ceil(total / limit)), total };
    const { zone } = place.calendar;
    const scopes = scopesOf(call);
    const _items = found.map((booking) =>
      listedBooking(booking, zone, serviceOf(booking, call, place), scopes),
    );
    return { status: 200, body: { ...paging, _items } };
  },
};

const getBooking: Operation = {
  name: 'getBooking',
  method: 'GET',
  path: `${ADDRESS}/bookings/:bookingId`,
  handle: (call) => {
    const place = placeOf(call);
    const booking = place.calendar.bookings.get(param(call, 'bookingId'));
    if (booking === undefined) throw gone();
    const moving = scopesOf(call).has('booking.moving') ? { moving: movingOf(booking, call) } : {};
    return { status: 200, body: { ...full(booking, call, place), ...moving } };
  },
};

const cancelBooking: Operation = {
  name: 'cancelBooking',
  method: 'DELETE',
  path: `${ADDRESS}/bookings/:bookingId`,
  handle: (call) => {
    const { calendar } = editablePlaceOf(call);
    const reason = bodyAs(cancelSchema, call).reason ?? undefined;
    const id = param(call, 'bookingId');
    const outcome = cancel(call.market, calendar, id, { by: 'integration', reason }, call.now);
    if (outcome.ok) return { status: 204 };
    throw outcome.reason === 'unknown'
      ? gone()
      : new Refusal(400, `Visit ${id} cannot be canceled because it is not booked`);
  },
};

const moveBooking = (path: string): Operation => ({
  name: 'moveBooking',
  method: 'POST',
  path,
  handle: (call) => {
    const place = editablePlaceOf(call);
    const { address_service_id: serviceId, start, duration: asked, address_id } = bodyAs(moveSchema, call);
    const duration = call.market.askedDurations ? asked : undefined;
    const target = address_id === undefined ? place : moveTarget(call, place, address_id);
    const request = { serviceId, start, duration, to: target.calendar, by: 'integration' } as const;
    const outcome = move(call.market, place.calendar, param(call, 'bookingId'), request, call.now);
    if (outcome.ok) return moved(outcome.booking, call, target);
    switch (outcome.reason) {
      case 'unknown':
        throw gone();
      case 'over':
        throw new Refusal(409, 'The booking was already moved or deleted.');
      case 'paid':
        throw new Refusal(
          422,
          'A paid booking can not be moved to an address that is paid through another account.',
        );
      default:
        throw noTime(outcome.reason, invalid('start', 'There is no free slot at this time.'));
    }
  },
});

const confirmBooking: Operation = {
  name: 'confirmBooking',
  method: 'PUT',
  path: `${ADDRESS}/bookings/:bookingId/confirm`,
  handle: (call) => {
    const { calendar } = editablePlaceOf(call);
    bodyAs(confirmSchema, call);
    const id = param(call, 'bookingId');
    const booking = calendar.bookings.get(id);
    if (booking !== undefined && booking.start < call.now) throw new Refusal(409, 'Visit is in the past.');
    const outcome = confirm(call.market, calendar, id, 'integration', call.now);
    if (outcome.ok) return { status: 204 };
    throw outcome.reason === 'unknown'
      ? gone()
      : new Refusal(409, 'The booking is already confirmed or over.');
  },
};

export const bookingOperations: readonly Operation[] = [
  bookSlot,
  getBookings,
  getBooking,
  cancelBooking,
  moveBooking(`${ADDRESS}/bookings/:bookingId/move`),
  // The founding page's path. Contract: Where the founding page and the live API differ.
  moveBooking(`${ADDRESS}/bookings/:bookingId`),
  confirmBooking,
];

function moved(booking: Booking, call: Call, target: Place): Answer {
  const { facilityId, doctorId, addressId } = target.ref;
  const path = ADDRESS.replace(':facilityId', facilityId)
    .replace(':doctorId', doctorId)
    .replace(':addressId', addressId);
  const location = `${path}/bookings/${booking.id}`;
  return { status: 201, headers: { location }, body: full(booking, call, target) };
}

function movingOf(booking: Booking, call: Call) {
  if (booking.bookedAt < MOVING_KNOWN_SINCE) return null;
  return { origin_booking_id: booking.originId, newest_booking_id: newestOf(call.market, booking) };
}

function patientOf({ patient, is_returning }: z.output<typeof bookSchema>): Patient {
  const { name, phone, surname, email, birth_date, nin, gender } = patient;
  return {
    name,
    phone,
    surname: surname ?? undefined,
    email: email ?? undefined,
    birth_date: birth_date ?? undefined,
    nin: nin ?? undefined,
    gender: gender ?? undefined,
    is_returning,
  };
}

function insuranceOf(body: z.output<typeof bookSchema>): VisitInsurance | undefined {
  const { insurance_provider_id: providerId, insurance_plan_id: planId } = body;
  return providerId == null ? undefined : { providerId, planId: planId ?? undefined };
}

function gone(): Refusal {
  return new Refusal(404, 'Booking not found.');
}

function noTime(reason: NoTime, noSlot: Refusal): Refusal {
  return reason === 'no-slot' ? noSlot : new Refusal(noSlot.status, 'The visit does not fit in the slot.');
}

function full(booking: Booking, call: Call, { calendar }: Place) {
  const service = call.market.service(calendar, booking.serviceId);
  return fullBooking(booking, calendar.zone, service, scopesOf(call));
}

function serviceOf(booking: Booking, call: Call, { calendar }: Place) {
  return call.market.service(calendar, booking.serviceId);
}

function wholeIn(call: Call, name: string, otherwise: number, most: number): number {
  const text = call.query.get(name);
  if (text === null) return otherwise;
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > most)
    throw invalid(name, `This value should be a whole number from 1 to ${most}.`);
  return value;
}
