// One calendar of the marketplace: its work periods, and the bookings and breaks that occupy time in them.
import type { AddressRef } from '../address.js';
import type { Cutting } from '../seed.js';
import type { LocalZone } from '../zone.js';
import type { Booking } from './booking.js';
import type { Break } from './break.js';
import { Schedule } from './schedule.js';
import { type BookableStart, cutStarts, type Interval, overlaps, type WorkPeriod } from './starts.js';

const DAY_MS = 24 * 60 * 60_000;

/** `none`: the calendar does not exist yet. */
export type CalendarStatus = 'enabled' | 'disabled' | 'none';

/** The current settings of the market or of the address. */
export interface CalendarRules {
  readonly cutting: () => Cutting;
  /** Undefined is the account that all addresses without one share. */
  readonly paymentAccount: () => string | undefined;
  /** How far a read of the slots lags behind; milliseconds. */
  readonly readLagMs: () => number;
}

/** The state that determines the bookable starts. */
interface CalendarState {
  readonly schedule: Schedule;
  readonly busy: readonly Interval[];
  readonly status: CalendarStatus;
}

/** A state that was current until an instant. */
interface PastCalendarState extends CalendarState {
  readonly until: number;
}

export class Calendar {
  readonly ref: AddressRef;
  readonly zone: LocalZone;
  readonly schedule: Schedule;
  readonly bookings = new Map<string, Booking>();
  readonly breaks = new Map<string, Break>();
  readonly #rules: CalendarRules;
  /** Ordered by age, the oldest first; none older than the lag of reads. */
  #past: readonly PastCalendarState[] = [];
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

  /** Records the state before a change, for reads that lag. */
  saveState(now: number): void {
    const lag = this.#rules.readLagMs();
    const recent = this.#past.filter(({ until }) => until > now - lag);
    const { busy, status } = this.#state();
    this.#past = lag === 0 ? [] : [...recent, { until: now, schedule: this.schedule.copy(), busy, status }];
  }

  /** Creates the calendar if it does not exist. */
  ensureExists(): void {
    if (this.status === 'none') this.status = 'enabled';
  }

  /**
   * The starts in a half-open range that can be booked at `now`: none in the past, and none while the calendar is disabled.
   * `movingBooking` occupies no time, so that a booking can move into its own time.
   */
  listStarts(range: Interval, now: number, movingBooking?: string): readonly BookableStart[] {
    return this.#startsIn(this.#state(movingBooking), range, now);
  }

  /** The bookable starts as a read at `now` shows them, which lags by `readLagMs`. */
  laggedStarts(range: Interval, now: number): readonly BookableStart[] {
    const then = now - this.#rules.readLagMs();
    return this.#startsIn(this.#past.find(({ until }) => until > then) ?? this.#state(), range, now);
  }

  /** The work period that contains the whole appointment and offers its service. */
  findPeriod(serviceId: string, appointment: Interval): WorkPeriod | undefined {
    return this.schedule
      .periodsIn(appointment)
      .find(
        (period) =>
          period.start <= appointment.start &&
          appointment.end <= period.end &&
          period.terms.services.some((service) => service.id === serviceId),
      );
  }

  /** The services offered on the local date of an instant: by service id, its duration in minutes in the first period. */
  listServicesOn(instant: number): ReadonlyMap<string, number> {
    const date = this.zone.dateOf(instant);
    const day = this.schedule
      .periodsIn({ start: instant - DAY_MS, end: instant + DAY_MS })
      .filter(({ start }) => this.zone.dateOf(start) === date);
    const all = day.flatMap(({ terms }) => terms.services).reverse();
    return new Map(all.map(({ id, duration }) => [id, duration]));
  }

  isFree(appointment: Interval, movingBooking?: string): boolean {
    return !this.busyIntervals(movingBooking).some((one) => overlaps(one, appointment));
  }

  busyIntervals(movingBooking?: string): readonly Interval[] {
    const booked = [...this.bookings.values()].filter(
      (booking) => booking.status === 'booked' && booking.id !== movingBooking,
    );
    return [...booked, ...this.breaks.values()];
  }

  #state(movingBooking?: string): CalendarState {
    return { schedule: this.schedule, busy: this.busyIntervals(movingBooking), status: this.status };
  }

  #startsIn(
    { schedule, busy, status }: CalendarState,
    range: Interval,
    now: number,
  ): readonly BookableStart[] {
    if (status !== 'enabled') return [];
    const from = Math.max(range.start, now);
    return cutStarts(schedule.periodsIn(range), busy, this.#rules.cutting()).filter(
      ({ start }) => from <= start && start < range.end,
    );
  }
}
