// Booking, moving, cancelling and marking visits, by a patient, the doctor or the integration. Contract: Resources, bookSlot.
import { toldBooking } from '../notification-bodies.js';
import type { Actor, Booking, Patient, PaymentStatus, Presence, VisitInsurance } from './booking.js';
import type { Calendar } from './calendar.js';
import type { Market } from './market.js';
import type { NotificationName } from './notifications.js';
import type { Interval } from './starts.js';
import {
  type BookRequest,
  type MoveRequest,
  type NoMove,
  type NoTime,
  planMove,
  timeFor,
} from './visit-time.js';

export type Outcome<Reason extends string> =
  | { readonly ok: true; readonly booking: Booking }
  | { readonly ok: false; readonly reason: Reason };

export function book(market: Market, calendar: Calendar, request: BookRequest, now: number): Outcome<NoTime> {
  const time = timeFor(calendar, request, now);
  if (typeof time === 'string') return { ok: false, reason: time };
  const payment = request.paid === true ? 'paid' : undefined;
  const booking = newBooking(market, calendar, { ...request, ...time, payment }, now);
  tell(market, calendar, 'slot-booked', booking, request.by, now);
  return { ok: true, booking };
}

/** The booking ends as `canceled`, and a new one with a new id takes its place. */
export function move(
  market: Market,
  calendar: Calendar,
  id: string,
  request: MoveRequest,
  now: number,
): Outcome<NoMove> {
  const plan = planMove(calendar, id, request, now);
  if (typeof plan === 'string') return { ok: false, reason: plan };
  const { old, to, time } = plan;

  const { patient, payment, insurance, originId } = old;
  const comment = market.keptComments ? old.comment : '';
  const visit = { ...request, ...time, patient, comment, payment, insurance, originId };
  calendar.remember(now);
  const booking = newBooking(market, to, visit, now);
  const ended: Booking = {
    ...old,
    status: 'canceled',
    canceledBy: request.by,
    canceledAt: now,
    movedTo: booking.id,
  };
  calendar.bookings.set(id, ended);
  const about = {
    old_visit_booking: written(market, calendar, ended),
    new_visit_booking: written(market, to, booking),
  };
  market.tell(to, { name: 'booking-moved', by: request.by, about, bookingId: booking.id }, now);
  return { ok: true, booking };
}

export function cancel(
  market: Market,
  calendar: Calendar,
  id: string,
  { by, reason }: { readonly by: Actor; readonly reason?: string | undefined },
  now: number,
): Outcome<'unknown' | 'over'> {
  const changes = { status: 'canceled', canceledBy: by, canceledAt: now, cancelReason: reason } as const;
  const outcome = change(calendar, id, changes, now, ({ status }) => status === 'booked');
  if (outcome.ok) tell(market, calendar, 'booking-canceled', outcome.booking, by, now);
  return outcome;
}

export function confirm(
  market: Market,
  calendar: Calendar,
  id: string,
  by: Actor,
  now: number,
): Outcome<'unknown' | 'over'> {
  const isOpen = ({ status, confirmed }: Booking) => status === 'booked' && !confirmed;
  const outcome = change(calendar, id, { confirmed: true }, now, isOpen);
  if (outcome.ok) tell(market, calendar, 'booking-confirmed', outcome.booking, by, now);
  return outcome;
}

/** Somebody says whether the patient came. */
export function markPresence(
  market: Market,
  calendar: Calendar,
  id: string,
  presence: Presence,
  by: Actor,
  now: number,
): Outcome<'unknown' | 'over'> {
  const outcome = change(calendar, id, { presence }, now, ({ status }) => status === 'booked');
  const more = { presence: presence.toUpperCase() };
  if (outcome.ok) tell(market, calendar, 'presence-marked', outcome.booking, by, now, more);
  return outcome;
}

/** Also of a visit that was cancelled, for its refund. */
export function setPayment(
  market: Market,
  calendar: Calendar,
  id: string,
  payment: PaymentStatus,
  now: number,
): Outcome<'unknown' | 'over'> {
  const before = calendar.bookings.get(id)?.payment ?? 'not-paid';
  const outcome = change(calendar, id, { payment }, now, ({ movedTo }) => movedTo === undefined);
  if (!outcome.ok) return outcome;
  const changed = { status_from: before, status_to: payment, changed_at: calendar.zone.format(now) };
  const more = { visit_payment_status: changed };
  tell(market, calendar, 'booking-payment-status-changed', outcome.booking, 'user', now, more);
  return outcome;
}

function change(
  calendar: Calendar,
  id: string,
  changes: Partial<Booking>,
  now: number,
  isOpen: (booking: Booking) => boolean,
): Outcome<'unknown' | 'over'> {
  const old = calendar.bookings.get(id);
  if (old === undefined) return { ok: false, reason: 'unknown' };
  if (!isOpen(old)) return { ok: false, reason: 'over' };
  const booking: Booking = { ...old, ...changes };
  calendar.remember(now);
  calendar.bookings.set(id, booking);
  return { ok: true, booking };
}

function tell(
  market: Market,
  calendar: Calendar,
  name: NotificationName,
  booking: Booking,
  by: Actor,
  now: number,
  more: Readonly<Record<string, unknown>> = {},
): void {
  const about = { visit_booking: written(market, calendar, booking), ...more };
  market.tell(calendar, { name, by, about, bookingId: booking.id }, now);
}

interface NewVisit extends Interval {
  readonly serviceId: string;
  readonly patient: Patient;
  readonly by: Actor;
  readonly comment?: string | undefined;
  readonly payment: PaymentStatus | undefined;
  readonly insurance?: VisitInsurance | undefined;
  readonly originId?: string | undefined;
}

function newBooking(market: Market, calendar: Calendar, visit: NewVisit, now: number): Booking {
  const id = market.newId(calendar);
  const booking: Booking = {
    id,
    status: 'booked',
    originId: visit.originId ?? id,
    movedTo: undefined,
    start: visit.start,
    end: visit.end,
    serviceId: visit.serviceId,
    patient: visit.patient,
    comment: visit.comment ?? '',
    bookedBy: visit.by,
    bookedAt: now,
    canceledBy: undefined,
    canceledAt: undefined,
    cancelReason: undefined,
    confirmed: false,
    presence: undefined,
    payment: visit.payment,
    insurance: visit.insurance,
  };
  calendar.remember(now);
  calendar.bookings.set(booking.id, booking);
  return booking;
}

function written(market: Market, calendar: Calendar, booking: Booking) {
  return toldBooking(booking, calendar.zone, market.service(calendar, booking.serviceId));
}

/** The booking that it is now, wherever it has moved to since. */
export function newestOf(market: Market, { id, movedTo }: Booking): string {
  const next = movedTo === undefined ? undefined : market.homeOf(movedTo)?.bookings.get(movedTo);
  return next === undefined ? id : newestOf(market, next);
}
