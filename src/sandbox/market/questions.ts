// What a clinic is asked before a patient books or moves. Contract: Notifications.
import { cancelingVisit, creatingVisit, toldRequest } from '../notification-bodies.js';
import type { Calendar } from './calendar.js';
import type { Market } from './market.js';
import type { Told } from './notifications.js';
import {
  type BookRequest,
  type MoveRequest,
  type NoMove,
  type NoTime,
  planMove,
  timeFor,
} from './visit-time.js';

/** Or why there is nothing to ask. */
export function bookingQuestion(
  market: Market,
  calendar: Calendar,
  request: BookRequest,
  now: number,
): Told | NoTime {
  const time = timeFor(calendar, request, now);
  if (typeof time === 'string') return time;
  const visit = { ...time, patient: request.patient, comment: request.comment ?? '', by: request.by };
  const service = market.service(calendar, request.serviceId);
  const about = { visit_booking_request: toldRequest(visit, calendar.zone, service, now) };
  return market.write(calendar, { name: 'slot-booking', by: request.by, about }, now) ?? 'no-slot';
}

/** It is told at the address that the booking goes to, as the move itself is. */
export function movingQuestion(
  market: Market,
  calendar: Calendar,
  id: string,
  request: MoveRequest,
  now: number,
): Told | NoMove {
  const plan = planMove(calendar, id, request, now);
  if (typeof plan === 'string') return plan;
  const { old, to, time } = plan;
  const about = {
    canceling_booking: cancelingVisit(
      old,
      request.by,
      calendar.zone,
      market.service(calendar, old.serviceId),
      now,
    ),
    creating_booking: creatingVisit(
      { ...time, by: request.by },
      to.zone,
      market.service(to, request.serviceId),
      now,
    ),
  };
  return market.write(to, { name: 'booking-moving', by: request.by, about, bookingId: id }, now) ?? 'no-slot';
}
