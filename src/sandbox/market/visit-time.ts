// Which time a visit would take, or why there is none. A doctor may book any time; patients and the integration only a start
// that can be booked. Contract: Resources, bookSlot, moveBooking.
import { minutesOf } from '../serialize.js';
import type { Actor, Booking, Patient, VisitInsurance } from './booking.js';
import type { Calendar } from './calendar.js';
import type { Interval } from './starts.js';

export interface VisitRequest {
  readonly serviceId: string;
  readonly start: number;
  /** Minutes; those of the slot when absent. */
  readonly duration?: number | undefined;
  readonly by: Actor;
}

export interface BookRequest extends VisitRequest {
  readonly patient: Patient;
  readonly comment?: string | undefined;
  readonly paid?: boolean | undefined;
  readonly insurance?: VisitInsurance | undefined;
}

export interface MoveRequest extends VisitRequest {
  /** The calendar it goes to; its own when absent. */
  readonly to?: Calendar | undefined;
}

/** `no-slot`: no free start there for that service. `does-not-fit`: a start, but not for so long a visit. */
export type NoTime = 'no-slot' | 'does-not-fit';

export type NoMove = NoTime | 'unknown' | 'over' | 'paid';

/** What a move would do, now. */
export interface MovePlan {
  readonly old: Booking;
  readonly to: Calendar;
  readonly time: Interval;
}

export function timeFor(
  calendar: Calendar,
  { serviceId, start, duration, by }: VisitRequest,
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

/** A visit that holds money stays with the payment account of its address, unless the patient moves it. */
export function planMove(
  calendar: Calendar,
  id: string,
  request: MoveRequest,
  now: number,
): MovePlan | NoMove {
  const old = calendar.bookings.get(id);
  if (old === undefined) return 'unknown';
  if (old.status !== 'booked') return 'over';
  const to = request.to ?? calendar;
  const crosses = to.paymentAccount !== calendar.paymentAccount;
  if (crosses && holdsMoney(old) && request.by !== 'user') return 'paid';
  const time = timeFor(to, { ...request, duration: request.duration ?? minutesOf(old) }, now, old.id);
  return typeof time === 'string' ? time : { old, to, time };
}

function holdsMoney({ payment }: Booking): boolean {
  return payment === 'paid' || payment === 'waiting_for_confirmation';
}
