// One calendar of the marketplace: its work periods, and the bookings and breaks that take time out of them.
import type { AddressRef } from '../address.js';
import type { Cutting } from '../seed.js';
import type { LocalZone } from '../zone.js';
import type { Booking } from './booking.js';
import type { Break } from './break.js';
import { Schedule } from './schedule.js';
import { type BookableStart, cutStarts, type Interval, overlaps, type WorkPeriod } from './starts.js';

const DAY_MS = 24 * 60 * 60_000;

/** None: nobody has made it yet. */
export type CalendarStatus = 'enabled' | 'disabled' | 'none';

/** What holds at the moment, in the market or at the address. */
export interface CalendarRules {
  readonly cutting: () => Cutting;
  /** Undefined is the one of all addresses that name none. */
  readonly paymentAccount: () => string | undefined;
  /** A reading shows the state of so many milliseconds ago. */
  readonly readLagMs: () => number;
}

/** What the starts follow from. */
interface State {
  readonly schedule: Schedule;
  readonly taken: readonly Interval[];
  readonly status: CalendarStatus;
}

interface PastState extends State {
  readonly until: number;
}

export class Calendar {
  readonly ref: AddressRef;
  readonly zone: LocalZone;
  readonly schedule: Schedule;
  readonly bookings = new Map<string, Booking>();
  readonly breaks = new Map<string, Break>();
  readonly #rules: CalendarRules;
  /** The oldest first; no older than a reading may lag. */
  #past: readonly PastState[] = [];
  status: CalendarStatus;

  constructor(ref: AddressRef, zone: LocalZone, status: CalendarStatus, rules: CalendarRules) {
    this.ref = ref;
    this.zone = zone;
    this.schedule = new Schedule(zone);
    this.status = status;
    this.#rules = rules;
  }

  get paymentAccount(): string | undefined {
    return this.#rules.paymentAccount();
  }

  /** Before each change, so that a reading that lags shows what was. */
  remember(now: number): void {
    const lag = this.#rules.readLagMs();
    const kept = this.#past.filter(({ until }) => until > now - lag);
    const { taken, status } = this.#state();
    this.#past = lag === 0 ? [] : [...kept, { until: now, schedule: this.schedule.copy(), taken, status }];
  }

  /** There is a calendar from here on. */
  make(): void {
    if (this.status === 'none') this.status = 'enabled';
  }

  /**
   * The starts within a half-open range that can be booked at `now`: none that are past, none while the calendar is
   * disabled. A booking that is about to move does not stand in its own way.
   */
  starts(range: Interval, now: number, movingBooking?: string): readonly BookableStart[] {
    return this.#startsIn(this.#state(movingBooking), range, now);
  }

  /** The same, as they were when a reading of now looked. */
  shownStarts(range: Interval, now: number): readonly BookableStart[] {
    const then = now - this.#rules.readLagMs();
    return this.#startsIn(this.#past.find(({ until }) => until > then) ?? this.#state(), range, now);
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

  /** What is offered on the local date of an instant: by service, the minutes of its first period. */
  servicesOn(instant: number): ReadonlyMap<string, number> {
    const date = this.zone.dateOf(instant);
    const day = this.schedule
      .between({ start: instant - DAY_MS, end: instant + DAY_MS })
      .filter(({ start }) => this.zone.dateOf(start) === date);
    const all = day.flatMap(({ terms }) => terms.services).reverse();
    return new Map(all.map(({ id, duration }) => [id, duration]));
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

  #state(movingBooking?: string): State {
    return { schedule: this.schedule, taken: this.taken(movingBooking), status: this.status };
  }

  #startsIn({ schedule, taken, status }: State, range: Interval, now: number): readonly BookableStart[] {
    if (status !== 'enabled') return [];
    const from = Math.max(range.start, now);
    return cutStarts(schedule.between(range), taken, this.#rules.cutting()).filter(
      ({ start }) => from <= start && start < range.end,
    );
  }
}
