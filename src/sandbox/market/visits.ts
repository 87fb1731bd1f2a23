// Booking, moving, confirming and cancelling visits, by a patient, the doctor or the integration. Contract: Resources, bookSlot.
import { fullBooking, minutesOf } from '../written.js';
import type { Actor, Booking, Patient } from './booking.js';
import type { Calendar } from './calendar.js';
import type { Market } from './market.js';
import type { Interval } from './starts.js';

export interface VisitRequest {
  readonly serviceId: string;
  readonly start: number;
  /** Minutes; those of the slot when absent. */
  readonly duration?: number | undefined;
}

export interface BookRequest extends VisitRequest {
  readonly patient: Patient;
  readonly by: Actor;
  readonly comment?: string | undefined;
  readonly paid?: boolean | undefined;
}

export interface MoveRequest extends VisitRequest {
  readonly by: Actor;
  /** The calendar it goes to; its own when absent. */
  readonly to?: Calendar | undefined;
}

/** `no-slot`: no free start there for that service. `does-not-fit`: a start, but not for so long a visit. */
export type NoTime = 'no-slot' | 'does-not-fit';

export type Outcome<Reason extends string> =
  | { readonly ok: true; readonly booking: Booking }
  | { readonly ok: false; readonly reason: Reason };

/** A doctor may book any time; patients and the integration only a start that can be booked. */
export function book(market: Market, calendar: Calendar, request: BookRequest, now: number): Outcome<NoTime> {
  const time = timeFor(calendar, request, request.by, now);
  if (typeof time === 'string') return { ok: false, reason: time };
  const booking = newBooking(market, calendar, { ...request, ...time }, now);
  market.tell(
    'slot-booked',
    calendar,
    request.by,
    { visit_booking: written(market, calendar, booking) },
    now,
  );
  return { ok: true, booking };
}

/** The booking ends as `moved`, and a new one with a new id takes its place. Paid ones stay unless the patient moves them. */
export function move(
  market: Market,
  calendar: Calendar,
  id: string,
  request: MoveRequest,
  now: number,
): Outcome<NoTime | 'unknown' | 'over' | 'paid'> {
  const old = calendar.bookings.get(id);
  if (old === undefined) return { ok: false, reason: 'unknown' };
  if (old.status !== 'booked') return { ok: false, reason: 'over' };
  if (old.paid && request.by !== 'user') return { ok: false, reason: 'paid' };
  const to = request.to ?? calendar;
  const duration = request.duration ?? minutesOf(old);
  const time = timeFor(to, { ...request, duration }, request.by, now, old.id);
  if (typeof time === 'string') return { ok: false, reason: time };

  const ended: Booking = { ...old, status: 'moved', canceledBy: request.by, canceledAt: now };
  calendar.bookings.set(id, ended);
  const { patient, comment, paid } = old;
  const booking = newBooking(market, to, { ...request, ...time, patient, comment, paid }, now);
  const about = {
    old_visit_booking: written(market, calendar, ended),
    new_visit_booking: written(market, to, booking),
  };
  market.tell('booking-moved', to, request.by, about, now);
  return { ok: true, booking };
}

export function cancel(
  market: Market,
  calendar: Calendar,
  id: string,
  { by, reason }: { readonly by: Actor; readonly reason?: string | undefined },
  now: number,
): Outcome<'unknown' | 'over'> {
  const old = calendar.bookings.get(id);
  if (old === undefined) return { ok: false, reason: 'unknown' };
  if (old.status !== 'booked') return { ok: false, reason: 'over' };
  const booking: Booking = {
    ...old,
    status: 'canceled',
    canceledBy: by,
    canceledAt: now,
    cancelReason: reason,
  };
  calendar.bookings.set(id, booking);
  market.tell('booking-canceled', calendar, by, { visit_booking: written(market, calendar, booking) }, now);
  return { ok: true, booking };
}

export function confirm(
  market: Market,
  calendar: Calendar,
  id: string,
  by: Actor,
  now: number,
): Outcome<'unknown' | 'over'> {
  const old = calendar.bookings.get(id);
  if (old === undefined) return { ok: false, reason: 'unknown' };
  if (old.status !== 'booked' || old.confirmed) return { ok: false, reason: 'over' };
  const booking: Booking = { ...old, confirmed: true };
  calendar.bookings.set(id, booking);
  market.tell('booking-confirmed', calendar, by, { visit_booking: written(market, calendar, booking) }, now);
  return { ok: true, booking };
}

function timeFor(
  calendar: Calendar,
  { serviceId, start, duration }: VisitRequest,
  by: Actor,
  now: number,
  movingBooking?: string,
): Interval | NoTime {
  if (by === 'doctor' && duration !== undefined) return { start, end: start + duration * 60_000 };
  const instant = { start, end: start + 1 };
  const isStart = calendar.starts(instant, now, movingBooking)[0]?.services.includes(serviceId) === true;
  const offered = calendar.periodFor(serviceId, instant)?.terms.services.find(({ id }) => id === serviceId);
  if (!isStart || offered === undefined) return 'no-slot';
  const visit = { start, end: start + (duration ?? offered.duration) * 60_000 };
  const fits = calendar.periodFor(serviceId, visit) !== undefined && calendar.isFree(visit, movingBooking);
  return fits ? visit : 'does-not-fit';
}

interface NewVisit extends Interval {
  readonly serviceId: string;
  readonly patient: Patient;
  readonly by: Actor;
  readonly comment?: string | undefined;
  readonly paid?: boolean | undefined;
}

function newBooking(market: Market, calendar: Calendar, visit: NewVisit, now: number): Booking {
  const booking: Booking = {
    id: market.newId(calendar),
    status: 'booked',
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
    paid: visit.paid ?? false,
  };
  calendar.bookings.set(booking.id, booking);
  return booking;
}

function written(market: Market, calendar: Calendar, booking: Booking) {
  const service = market.service(calendar, booking.serviceId) ?? { id: booking.serviceId };
  return fullBooking(booking, calendar.zone, service);
}
