// How things of the marketplace are written in its notifications, where that is not how its answers write them.
// Contract: Notifications.

import type { Actor, Booking } from './market/booking.js';
import type { Break } from './market/break.js';
import type { KnownAddress, KnownService } from './seed.js';
import {
  instantOf,
  minutesOf,
  namedService,
  writtenAddress,
  writtenInsurance,
  writtenPatient,
  writtenVisit,
} from './serialize.js';
import type { LocalZone } from './zone.js';

export function toldAddress(address: KnownAddress) {
  const { id, name, street, post_code } = writtenAddress(address);
  return { id, name, street, post_code };
}

export function toldBreak({ id, start, end }: Break, zone: LocalZone) {
  return { id, since: zone.format(start), till: zone.format(end) };
}

export function toldBooking(booking: Booking, zone: LocalZone, service: KnownService) {
  const insurance = writtenInsurance(booking);
  return {
    ...writtenVisit(booking, zone),
    canceled_by: booking.canceledBy ?? '',
    canceled_at: instantOf(booking.canceledAt, zone),
    address_service: namedService(service),
    patient: writtenPatient(booking.patient),
    comment: booking.comment,
    ...(insurance !== null && {
      insurance: { ...insurance, plan: insurance.plan ?? '', plan_id: insurance.plan_id ?? '' },
    }),
    ...(booking.payment !== undefined && { visit_payment: true }),
  };
}

export type VisitAsked = Pick<Booking, 'start' | 'end' | 'patient' | 'comment'> & { readonly by: Actor };

/** A booking that is only asked for: it has no id and no status yet. */
export function toldRequest(visit: VisitAsked, zone: LocalZone, service: KnownService, now: number) {
  return {
    ...creatingVisit(visit, zone, service, now),
    patient: writtenPatient(visit.patient),
    comment: visit.comment,
  };
}

/** The booking that a move would make; whose it is the one that it would end says. */
export function creatingVisit(
  visit: Omit<VisitAsked, 'patient' | 'comment'>,
  zone: LocalZone,
  service: KnownService,
  now: number,
) {
  return {
    start_at: zone.format(visit.start),
    end_at: zone.format(visit.end),
    duration: minutesOf(visit),
    booking_by: visit.by,
    booking_at: zone.format(now),
    address_service: namedService(service),
  };
}

/** The booking that a move would end. */
export function cancelingVisit(
  booking: Booking,
  by: Actor,
  zone: LocalZone,
  service: KnownService,
  now: number,
) {
  const { status: _, ...visit } = writtenVisit(booking, zone);
  return {
    ...visit,
    canceling_by: by,
    canceling_at: zone.format(now),
    address_service: namedService(service),
  };
}
