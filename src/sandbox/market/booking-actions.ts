// Books, moves, cancels, confirms and marks bookings as a patient, the doctor or the integration. Contract: Resources, bookSlot.
import { buildNotifiedBooking } from '../notification-bodies.js';
import type { Actor, Booking, BookingInsurance, Patient, PaymentStatus, Presence } from './booking.js';
import {
  type BookRequest,
  type MoveRefusal,
  type MoveRequest,
  planMove,
  resolveTime,
  type TimeRefusal,
} from './booking-time.js';
import type { Calendar } from './calendar.js';
import type { Market } from './market.js';
import type { NotificationName } from './notifications.js';
import type { Interval } from './starts.js';

export type BookingOutcome<Reason extends string> =
  | { readonly ok: true; readonly booking: Booking }
  | { readonly ok: false; readonly reason: Reason };

export function book(
  market: Market,
  calendar: Calendar,
  request: BookRequest,
  now: number,
): BookingOutcome<TimeRefusal> {
  const time = resolveTime(calendar, request, now);
  if (typeof time === 'string') return { ok: false, reason: time };
  const payment = request.paid === true ? 'paid' : undefined;
  const booking = createBooking(market, calendar, { ...request, ...time, payment }, now);
  notifyBooking(market, calendar, 'slot-booked', booking, request.by, now);
  return { ok: true, booking };
}

/** Cancels the booking and creates a new one with a new id in its place. */
export function move(
  market: Market,
  calendar: Calendar,
  id: string,
  request: MoveRequest,
  now: number,
): BookingOutcome<MoveRefusal> {
  const plan = planMove(calendar, id, request, now);
  if (typeof plan === 'string') return { ok: false, reason: plan };
  const { old, to, time } = plan;

  const { patient, payment, insurance, originId } = old;
  const comment = market.keptComments ? old.comment : '';
  const moved = { ...request, ...time, patient, comment, payment, insurance, originId };
  calendar.saveState(now);
  const booking = createBooking(market, to, moved, now);
  const canceled: Booking = {
    ...old,
    status: 'canceled',
    canceledBy: request.by,
    canceledAt: now,
    movedTo: booking.id,
  };
  calendar.bookings.set(id, canceled);
  const data = {
    old_visit_booking: buildBookingBody(market, calendar, canceled),
    new_visit_booking: buildBookingBody(market, to, booking),
  };
  market.notify(to, { name: 'booking-moved', by: request.by, data, bookingId: booking.id }, now);
  return { ok: true, booking };
}

export function cancel(
  market: Market,
  calendar: Calendar,
  id: string,
  { by, reason }: { readonly by: Actor; readonly reason?: string | undefined },
  now: number,
): BookingOutcome<'unknown' | 'over'> {
  const changes = { status: 'canceled', canceledBy: by, canceledAt: now, cancelReason: reason } as const;
  const outcome = changeBooking(calendar, id, changes, now, ({ status }) => status === 'booked');
  if (outcome.ok) notifyBooking(market, calendar, 'booking-canceled', outcome.booking, by, now);
  return outcome;
}

export function confirm(
  market: Market,
  calendar: Calendar,
  id: string,
  by: Actor,
  now: number,
): BookingOutcome<'unknown' | 'over'> {
  const isOpen = ({ status, confirmed }: Booking) => status === 'booked' && !confirmed;
  const outcome = changeBooking(calendar, id, { confirmed: true }, now, isOpen);
  if (outcome.ok) notifyBooking(market, calendar, 'booking-confirmed', outcome.booking, by, now);
  return outcome;
}

/** Records whether the patient came. */
export function markPresence(
  market: Market,
  calendar: Calendar,
  id: string,
  presence: Presence,
  by: Actor,
  now: number,
): BookingOutcome<'unknown' | 'over'> {
  const outcome = changeBooking(calendar, id, { presence }, now, ({ status }) => status === 'booked');
  const more = { presence: presence.toUpperCase() };
  if (outcome.ok) notifyBooking(market, calendar, 'presence-marked', outcome.booking, by, now, more);
  return outcome;
}

/** Also applies to a cancelled booking, for its refund. */
export function setPayment(
  market: Market,
  calendar: Calendar,
  id: string,
  payment: PaymentStatus,
  now: number,
): BookingOutcome<'unknown' | 'over'> {
  const before = calendar.bookings.get(id)?.payment ?? 'not-paid';
  const outcome = changeBooking(calendar, id, { payment }, now, ({ movedTo }) => movedTo === undefined);
  if (!outcome.ok) return outcome;
  const changed = { status_from: before, status_to: payment, changed_at: calendar.zone.format(now) };
  const more = { visit_payment_status: changed };
  notifyBooking(market, calendar, 'booking-payment-status-changed', outcome.booking, 'user', now, more);
  return outcome;
}

function changeBooking(
  calendar: Calendar,
  id: string,
  changes: Partial<Booking>,
  now: number,
  isOpen: (booking: Booking) => boolean,
): BookingOutcome<'unknown' | 'over'> {
  const old = calendar.bookings.get(id);
  if (old === undefined) return { ok: false, reason: 'unknown' };
  if (!isOpen(old)) return { ok: false, reason: 'over' };
  const booking: Booking = { ...old, ...changes };
  calendar.saveState(now);
  calendar.bookings.set(id, booking);
  return { ok: true, booking };
}

function notifyBooking(
  market: Market,
  calendar: Calendar,
  name: NotificationName,
  booking: Booking,
  by: Actor,
  now: number,
  more: Readonly<Record<string, unknown>> = {},
): void {
  const data = { visit_booking: buildBookingBody(market, calendar, booking), ...more };
  market.notify(calendar, { name, by, data, bookingId: booking.id }, now);
}

interface NewBooking extends Interval {
  readonly serviceId: string;
  readonly patient: Patient;
  readonly by: Actor;
  readonly comment?: string | undefined;
  readonly payment: PaymentStatus | undefined;
  readonly insurance?: BookingInsurance | undefined;
  readonly originId?: string | undefined;
}

function createBooking(market: Market, calendar: Calendar, request: NewBooking, now: number): Booking {
  const id = market.createId(calendar);
  const booking: Booking = {
    id,
    status: 'booked',
    originId: request.originId ?? id,
    movedTo: undefined,
    start: request.start,
    end: request.end,
    serviceId: request.serviceId,
    patient: request.patient,
    comment: request.comment ?? '',
    bookedBy: request.by,
    bookedAt: now,
    canceledBy: undefined,
    canceledAt: undefined,
    cancelReason: undefined,
    confirmed: false,
    presence: undefined,
    payment: request.payment,
    insurance: request.insurance,
  };
  calendar.saveState(now);
  calendar.bookings.set(booking.id, booking);
  return booking;
}

function buildBookingBody(market: Market, calendar: Calendar, booking: Booking) {
  return buildNotifiedBooking(booking, calendar.zone, market.findService(calendar, booking.serviceId));
}

/** The id of the last booking in the chain of moves. */
export function findNewestBookingId(market: Market, { id, movedTo }: Booking): string {
  const next = movedTo === undefined ? undefined : market.findCalendarOf(movedTo)?.bookings.get(movedTo);
  return next === undefined ? id : findNewestBookingId(market, next);
}
