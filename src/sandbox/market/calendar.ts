// One calendar of the marketplace: its work periods, and the bookings and breaks that take time out of them.
import type { AddressRef } from '../address.js';
import type { LocalZone } from '../zone.js';
import type { Booking } from './booking.js';
import type { Break } from './break.js';
import { Schedule } from './schedule.js';
import { type BookableStart, cutStarts, type Interval, overlaps, type WorkPeriod } from './starts.js';

export class Calendar {
  readonly ref: AddressRef;
  readonly zone: LocalZone;
  readonly schedule: Schedule;
  readonly bookings = new Map<string, Booking>();
  readonly breaks = new Map<string, Break>();
  enabled: boolean;

  constructor(ref: AddressRef, zone: LocalZone, enabled: boolean) {
    this.ref = ref;
    this.zone = zone;
    this.schedule = new Schedule(zone);
    this.enabled = enabled;
  }

  /**
   * The starts within a half-open range that can be booked at `now`: none that are past, none while the calendar is
   * disabled. A booking that is about to move does not stand in its own way.
   */
  starts(range: Interval, now: number, movingBooking?: string): readonly BookableStart[] {
    if (!this.enabled) return [];
    const from = Math.max(range.start, now);
    return cutStarts(this.schedule.between(range), this.taken(movingBooking)).filter(
      ({ start }) => from <= start && start < range.end,
    );
  }

  /** The work period in which the whole appointment lies and its service is offered. */
  periodFor(serviceId: string, appointment: Interval): WorkPeriod | undefined {
    return this.schedule
      .between(appointment)
      .find(
        (period) =>
          period.start <= appointment.start &&
          appointment.end <= period.end &&
          period.terms.services.some((service) => service.id === serviceId),
      );
  }

  isFree(appointment: Interval, movingBooking?: string): boolean {
    return !this.taken(movingBooking).some((one) => overlaps(one, appointment));
  }

  taken(movingBooking?: string): readonly Interval[] {
    const booked = [...this.bookings.values()].filter(
      (booking) => booking.status === 'booked' && booking.id !== movingBooking,
    );
    return [...booked, ...this.breaks.values()];
  }
}
