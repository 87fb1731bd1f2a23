// Builds the approval requests that a clinic gets before a patient books or moves. Contract: Notifications.
import { buildBookingRequest, buildCancelingBooking, buildCreatingBooking } from '../notification-bodies.js';
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
import type { OutgoingNotification } from './notifications.js';

/** Returns the reason instead when the booking is not possible. */
export function buildBookingApproval(
  market: Market,
  calendar: Calendar,
  request: BookRequest,
  now: number,
): OutgoingNotification | TimeRefusal {
  const time = resolveTime(calendar, request, now);
  if (typeof time === 'string') return time;
  const visit = { ...time, patient: request.patient, comment: request.comment ?? '', by: request.by };
  const service = market.findService(calendar, request.serviceId);
  const data = { visit_booking_request: buildBookingRequest(visit, calendar.zone, service, now) };
  return market.buildNotification(calendar, { name: 'slot-booking', by: request.by, data }, now) ?? 'no-slot';
}

/** The request names the address that the booking moves to, as `booking-moved` does. Returns the reason instead when the move is not possible. */
export function buildMoveApproval(
  market: Market,
  calendar: Calendar,
  id: string,
  request: MoveRequest,
  now: number,
): OutgoingNotification | MoveRefusal {
  const plan = planMove(calendar, id, request, now);
  if (typeof plan === 'string') return plan;
  const { old, to, time } = plan;
  const data = {
    canceling_booking: buildCancelingBooking(
      old,
      request.by,
      calendar.zone,
      market.findService(calendar, old.serviceId),
      now,
    ),
    creating_booking: buildCreatingBooking(
      { ...time, by: request.by },
      to.zone,
      market.findService(to, request.serviceId),
      now,
    ),
  };
  return (
    market.buildNotification(to, { name: 'booking-moving', by: request.by, data, bookingId: id }, now) ??
    'no-slot'
  );
}
