// Builds the bodies of notifications where they differ from the bodies of API responses. Contract: Notifications.

import type { Actor, Booking } from './market/booking.js';
import type { Break } from './market/break.js';
import type { ParsedAddress, ParsedService } from './seed.js';
import {
  durationMinutes,
  formatInstant,
  serializeAddress,
  serializeBookingSummary,
  serializeInsurance,
  serializePatient,
  serializeServiceSummary,
} from './serialize.js';
import type { LocalZone } from './zone.js';

export function buildNotifiedAddress(address: ParsedAddress) {
  const { id, name, street, post_code } = serializeAddress(address);
  return { id, name, street, post_code };
}

export function buildNotifiedBreak({ id, start, end }: Break, zone: LocalZone) {
  return { id, since: zone.format(start), till: zone.format(end) };
}

export function buildNotifiedBooking(booking: Booking, zone: LocalZone, service: ParsedService) {
  const insurance = serializeInsurance(booking);
  return {
    ...serializeBookingSummary(booking, zone),
    canceled_by: booking.canceledBy ?? '',
    canceled_at: formatInstant(booking.canceledAt, zone),
    address_service: serializeServiceSummary(service),
    patient: serializePatient(booking.patient),
    comment: booking.comment,
    ...(insurance !== null && {
      insurance: { ...insurance, plan: insurance.plan ?? '', plan_id: insurance.plan_id ?? '' },
    }),
    ...(booking.payment !== undefined && { visit_payment: true }),
  };
}

export type RequestedBooking = Pick<Booking, 'start' | 'end' | 'patient' | 'comment'> & {
  readonly by: Actor;
};

/** A booking that waits for approval: it has no id and no status yet. */
export function buildBookingRequest(
  booking: RequestedBooking,
  zone: LocalZone,
  service: ParsedService,
  now: number,
) {
  return {
    ...buildCreatingBooking(booking, zone, service, now),
    patient: serializePatient(booking.patient),
    comment: booking.comment,
  };
}

/** The booking that a move would create. The patient is only in the booking that the move would cancel. */
export function buildCreatingBooking(
  booking: Omit<RequestedBooking, 'patient' | 'comment'>,
  zone: LocalZone,
  service: ParsedService,
  now: number,
) {
  return {
    start_at: zone.format(booking.start),
    end_at: zone.format(booking.end),
    duration: durationMinutes(booking),
    booking_by: booking.by,
    booking_at: zone.format(now),
    address_service: serializeServiceSummary(service),
  };
}

/** The booking that a move would cancel. */
export function buildCancelingBooking(
  booking: Booking,
  by: Actor,
  zone: LocalZone,
  service: ParsedService,
  now: number,
) {
  const { status: _, ...summary } = serializeBookingSummary(booking, zone);
  return {
    ...summary,
    canceling_by: by,
    canceling_at: zone.format(now),
    address_service: serializeServiceSummary(service),
  };
}
