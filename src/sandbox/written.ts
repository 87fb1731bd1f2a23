// How things of the marketplace are written in answers and notifications. Contract: Resources, bookSlot, Notifications.
import type { KnownAddress, KnownDoctor, KnownFacility, KnownService } from './estate.js';
import type { Booking } from './market/booking.js';
import type { Break } from './market/break.js';
import type { LocalZone } from './zone.js';

export function writtenFacility({ id, name }: KnownFacility) {
  return { id, name: name ?? `Facility ${id}` };
}

export function writtenDoctor({ id, name, surname }: KnownDoctor) {
  return { id, name: name ?? 'Doctor', surname: surname ?? id };
}

export function writtenAddress({ id, name, street }: KnownAddress) {
  return { id, name: name ?? `Address ${id}`, street: street ?? 'Street' };
}

export function writtenService({ id, name, price }: KnownService) {
  return { id, name: name ?? `Service ${id}`, price: price ?? 0, is_price_from: false };
}

export function writtenBreak({ id, start, end, description }: Break, zone: LocalZone) {
  return { id, since: zone.format(start), till: zone.format(end), description };
}

export interface WrittenBooking {
  readonly id: string;
  readonly status: Booking['status'];
  readonly start_at: string;
  readonly end_at: string;
  /** Minutes. */
  readonly duration: number;
  readonly booked_by: Booking['bookedBy'];
  /** Empty while nobody has. */
  readonly canceled_by: Booking['bookedBy'] | '';
  readonly booked_at: string;
  readonly canceled_at: string | null;
  readonly comment: string;
  /** Null while nobody has marked it. */
  readonly presence: Booking['presence'] | null;
}

export function writtenBooking(booking: Booking, zone: LocalZone): WrittenBooking {
  return {
    id: booking.id,
    status: booking.status,
    start_at: zone.format(booking.start),
    end_at: zone.format(booking.end),
    duration: minutesOf(booking),
    booked_by: booking.bookedBy,
    canceled_by: booking.canceledBy ?? '',
    booked_at: zone.format(booking.bookedAt),
    canceled_at: booking.canceledAt === undefined ? null : zone.format(booking.canceledAt),
    comment: booking.comment,
    presence: booking.presence ?? null,
  };
}

export function fullBooking(booking: Booking, zone: LocalZone, service: KnownService) {
  return {
    ...writtenBooking(booking, zone),
    address_service: writtenService(service),
    patient: booking.patient,
  };
}

export type VisitAsked = Pick<Booking, 'start' | 'end' | 'patient' | 'comment'>;

/** A booking that is only asked for: it has no id and no status yet. */
export function writtenRequest(visit: VisitAsked, zone: LocalZone, service: KnownService) {
  return {
    start_at: zone.format(visit.start),
    end_at: zone.format(visit.end),
    duration: minutesOf(visit),
    address_service: writtenService(service),
    patient: visit.patient,
    comment: visit.comment,
  };
}

export function minutesOf({ start, end }: { readonly start: number; readonly end: number }): number {
  return (end - start) / 60_000;
}
