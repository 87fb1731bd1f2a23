// Resolves the time of a new or moved booking, or the reason why it is not possible. A doctor may book any time; patients and the
// integration only a bookable start. Contract: Resources, bookSlot, moveBooking.
import { durationMinutes } from '../serialize.js';
import type { Actor, Booking, BookingInsurance, Patient } from './booking.js';
import type { Calendar } from './calendar.js';
import type { Interval } from './starts.js';

export interface TimeRequest {
  readonly serviceId: string;
  readonly start: number;
  /** Minutes; by default the duration of the service in the slot. */
  readonly duration?: number | undefined;
  readonly by: Actor;
}

export interface BookRequest extends TimeRequest {
  readonly patient: Patient;
  readonly comment?: string | undefined;
  readonly paid?: boolean | undefined;
  readonly insurance?: BookingInsurance | undefined;
}

export interface MoveRequest extends TimeRequest {
  /** The target calendar; default the booking's own. */
  readonly to?: Calendar | undefined;
}

/** `no-slot`: no free start for the service. `does-not-fit`: the start is free, but the duration does not fit. */
export type TimeRefusal = 'no-slot' | 'does-not-fit';

export type MoveRefusal = TimeRefusal | 'unknown' | 'over' | 'paid';

/** The result of a move that is possible now. */
export interface MovePlan {
  readonly old: Booking;
  readonly to: Calendar;
  readonly time: Interval;
}

export function resolveTime(
  calendar: Calendar,
  { serviceId, start, duration, by }: TimeRequest,
  now: number,
  movingBooking?: string,
): Interval | TimeRefusal {
  if (by === 'doctor' && duration !== undefined) return { start, end: start + duration * 60_000 };
  const instant = { start, end: start + 1 };
  const isStart = calendar.listStarts(instant, now, movingBooking)[0]?.services.includes(serviceId) === true;
  const offered = calendar.findPeriod(serviceId, instant)?.terms.services.find(({ id }) => id === serviceId);
  if (!isStart || offered === undefined) return 'no-slot';
  const time = { start, end: start + (duration ?? offered.duration) * 60_000 };
  const fits = calendar.findPeriod(serviceId, time) !== undefined && calendar.isFree(time, movingBooking);
  return fits ? time : 'does-not-fit';
}

/** A paid booking moves only within the payment account of its address, unless the patient moves it. */
export function planMove(
  calendar: Calendar,
  id: string,
  request: MoveRequest,
  now: number,
): MovePlan | MoveRefusal {
  const old = calendar.bookings.get(id);
  if (old === undefined) return 'unknown';
  if (old.status !== 'booked') return 'over';
  const to = request.to ?? calendar;
  const changesAccount = to.paymentAccount !== calendar.paymentAccount;
  if (changesAccount && hasPayment(old) && request.by !== 'user') return 'paid';
  const time = resolveTime(
    to,
    { ...request, duration: request.duration ?? durationMinutes(old) },
    now,
    old.id,
  );
  return typeof time === 'string' ? time : { old, to, time };
}

function hasPayment({ payment }: Booking): boolean {
  return payment === 'paid' || payment === 'waiting_for_confirmation';
}
