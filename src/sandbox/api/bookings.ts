// The operations of bookings: book a slot, list, read, cancel, move, confirm. Contract: Resources, bookSlot.
import { z } from 'zod';
import type { Operation, OperationCall } from '../http/operation.js';
import { ApiError, type ApiResponse } from '../http/response.js';
import type { Booking, BookingInsurance, Patient } from '../market/booking.js';
import { book, cancel, confirm, findNewestBookingId, move } from '../market/booking-actions.js';
import type { TimeRefusal } from '../market/booking-time.js';
import { serializeBooking, serializeListedBooking } from '../serialize.js';
import { parseApiInstant } from '../zone.js';
import { resolveMoveTarget } from './move-target.js';
import { ADDRESS } from './paths.js';
import {
  assertCommercial,
  type CalendarTarget,
  idSchema,
  instantSchema,
  invalidRequest,
  minutesSchema,
  NOT_AN_INSTANT,
  parseBody,
  parseRange,
  parseScopes,
  requireParam,
  resolveEditableTarget,
  resolveTarget,
} from './request.js';

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

/** The marketplace has no record of moves of bookings made before this instant. */
const MOVES_RECORDED_SINCE = Date.parse('2025-04-02T00:00:00Z');

const bookSlot: Operation = {
  name: 'bookSlot',
  method: 'POST',
  path: `${ADDRESS}/slots/:start/book`,
  handle: (call) => {
    const target = resolveEditableTarget(call);
    const start = parseApiInstant(requireParam(call, 'start'));
    if (start === undefined) throw invalidRequest('start', NOT_AN_INSTANT);
    assertCommercial(target);
    const body = parseBody(bookSchema, call);
    const request = {
      serviceId: body.address_service_id,
      start,
      duration: call.market.askedDurations ? body.duration : undefined,
      patient: toPatient(body),
      comment: body.comment ?? undefined,
      insurance: toInsurance(body),
      by: 'integration',
    } as const;
    const outcome = book(call.market, target.calendar, request, call.now);
    if (!outcome.ok) throw timeRefusal(outcome.reason, new ApiError(404, 'Slot not found.'));
    return { status: 200, body: serializeFull(outcome.booking, call, target) };
  },
};

const getBookings: Operation = {
  name: 'getBookings',
  method: 'GET',
  path: `${ADDRESS}/bookings`,
  handle: (call) => {
    const target = resolveTarget(call);
    const range = parseRange(call, 'start', 'end');
    const page = call.query.has('page')
      ? parseWholeParam(call, 'page', 1, Number.MAX_SAFE_INTEGER)
      : undefined;
    const limit = parseWholeParam(call, 'limit', 100, 100);
    const all = [...target.calendar.bookings.values()]
      .filter(({ start }) => range.start <= start && start < range.end)
      .sort((a, b) => a.start - b.start || Number(a.id) - Number(b.id));
    const found = page === undefined ? all : all.slice((page - 1) * limit, page * limit);
    const total = all.length;
    const paging =
      page === undefined ? {} : { page, limit, pages: Math.max(1, Math.ceil(total / limit)), total };
    const { zone } = target.calendar;
    const scopes = parseScopes(call);
    const _items = found.map((booking) =>
      serializeListedBooking(booking, zone, findBookedService(booking, call, target), scopes),
    );
    return { status: 200, body: { ...paging, _items } };
  },
};

const getBooking: Operation = {
  name: 'getBooking',
  method: 'GET',
  path: `${ADDRESS}/bookings/:bookingId`,
  handle: (call) => {
    const target = resolveTarget(call);
    const booking = target.calendar.bookings.get(requireParam(call, 'bookingId'));
    if (booking === undefined) throw bookingNotFound();
    const moving = parseScopes(call).has('booking.moving') ? { moving: serializeMoving(booking, call) } : {};
    return { status: 200, body: { ...serializeFull(booking, call, target), ...moving } };
  },
};

const cancelBooking: Operation = {
  name: 'cancelBooking',
  method: 'DELETE',
  path: `${ADDRESS}/bookings/:bookingId`,
  handle: (call) => {
    const { calendar } = resolveEditableTarget(call);
    const reason = parseBody(cancelSchema, call).reason ?? undefined;
    const id = requireParam(call, 'bookingId');
    const outcome = cancel(call.market, calendar, id, { by: 'integration', reason }, call.now);
    if (outcome.ok) return { status: 204 };
    throw outcome.reason === 'unknown'
      ? bookingNotFound()
      : new ApiError(400, `Visit ${id} cannot be canceled because it is not booked`);
  },
};

const moveBooking = (path: string): Operation => ({
  name: 'moveBooking',
  method: 'POST',
  path,
  handle: (call) => {
    const target = resolveEditableTarget(call);
    const {
      address_service_id: serviceId,
      start,
      duration: requested,
      address_id,
    } = parseBody(moveSchema, call);
    const duration = call.market.askedDurations ? requested : undefined;
    const destination = address_id === undefined ? target : resolveMoveTarget(call, target, address_id);
    const request = { serviceId, start, duration, to: destination.calendar, by: 'integration' } as const;
    const outcome = move(call.market, target.calendar, requireParam(call, 'bookingId'), request, call.now);
    if (outcome.ok) return movedResponse(outcome.booking, call, destination);
    switch (outcome.reason) {
      case 'unknown':
        throw bookingNotFound();
      case 'over':
        throw new ApiError(409, 'The booking was already moved or deleted.');
      case 'paid':
        throw new ApiError(
          422,
          'A paid booking can not be moved to an address that is paid through another account.',
        );
      default:
        throw timeRefusal(outcome.reason, invalidRequest('start', 'There is no free slot at this time.'));
    }
  },
});

const confirmBooking: Operation = {
  name: 'confirmBooking',
  method: 'PUT',
  path: `${ADDRESS}/bookings/:bookingId/confirm`,
  handle: (call) => {
    const { calendar } = resolveEditableTarget(call);
    parseBody(confirmSchema, call);
    const id = requireParam(call, 'bookingId');
    const booking = calendar.bookings.get(id);
    if (booking !== undefined && booking.start < call.now) throw new ApiError(409, 'Visit is in the past.');
    const outcome = confirm(call.market, calendar, id, 'integration', call.now);
    if (outcome.ok) return { status: 204 };
    throw outcome.reason === 'unknown'
      ? bookingNotFound()
      : new ApiError(409, 'The booking is already confirmed or over.');
  },
};

export const bookingOperations: readonly Operation[] = [
  bookSlot,
  getBookings,
  getBooking,
  cancelBooking,
  moveBooking(`${ADDRESS}/bookings/:bookingId/move`),
  // The path of the founding page. Contract: Where the founding page and the live API differ.
  moveBooking(`${ADDRESS}/bookings/:bookingId`),
  confirmBooking,
];

function movedResponse(booking: Booking, call: OperationCall, target: CalendarTarget): ApiResponse {
  const { facilityId, doctorId, addressId } = target.ref;
  const path = ADDRESS.replace(':facilityId', facilityId)
    .replace(':doctorId', doctorId)
    .replace(':addressId', addressId);
  const location = `${path}/bookings/${booking.id}`;
  return { status: 201, headers: { location }, body: serializeFull(booking, call, target) };
}

function serializeMoving(booking: Booking, call: OperationCall) {
  if (booking.bookedAt < MOVES_RECORDED_SINCE) return null;
  return {
    origin_booking_id: booking.originId,
    newest_booking_id: findNewestBookingId(call.market, booking),
  };
}

function toPatient({ patient, is_returning }: z.output<typeof bookSchema>): Patient {
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

function toInsurance(body: z.output<typeof bookSchema>): BookingInsurance | undefined {
  const { insurance_provider_id: providerId, insurance_plan_id: planId } = body;
  return providerId == null ? undefined : { providerId, planId: planId ?? undefined };
}

function bookingNotFound(): ApiError {
  return new ApiError(404, 'Booking not found.');
}

function timeRefusal(reason: TimeRefusal, noSlot: ApiError): ApiError {
  return reason === 'no-slot' ? noSlot : new ApiError(noSlot.status, 'The visit does not fit in the slot.');
}

function serializeFull(booking: Booking, call: OperationCall, { calendar }: CalendarTarget) {
  const service = call.market.findService(calendar, booking.serviceId);
  return serializeBooking(booking, calendar.zone, service, parseScopes(call));
}

function findBookedService(booking: Booking, call: OperationCall, { calendar }: CalendarTarget) {
  return call.market.findService(calendar, booking.serviceId);
}

function parseWholeParam(call: OperationCall, name: string, defaultValue: number, max: number): number {
  const text = call.query.get(name);
  if (text === null) return defaultValue;
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > max)
    throw invalidRequest(name, `This value should be a whole number from 1 to ${max}.`);
  return value;
}
