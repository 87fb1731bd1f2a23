/** The public types of the core: its input (instants, windows, busy time) and its output (days of slots). */

/**
 * A point in time: an ISO 8601 string, a `Date`, or epoch milliseconds, in the years 1970 to 9999. A string without an offset
 * is a wall-clock time in the `timeZone` of the call. A space may replace the `T`. A number below 100,000,000,000 is
 * rejected, because it is probably in seconds.
 *
 * A wall-clock time that the clock skips moves forward by the length of the gap. A wall-clock time that occurs twice means
 * its first occurrence.
 */
export type Instant = string | Date | number;

/** A half-open interval: it includes `start` and excludes `end`. */
export interface Interval {
  readonly start: Instant;
  readonly end: Instant;
}

/** Busy time. Intervals may overlap, touch, nest, lie outside every window, and be in any order. */
export type Busy = Interval;

/** A service that a patient can book. */
export interface Service {
  /** The marketplace's address service id. */
  readonly id: string;
  /** Whole minutes, at least 1. */
  readonly duration: number;
}

/** Whether insured and uninsured patients are accepted. Contract: replaceSlots. */
export type InsuranceAccepted =
  | 'with-and-without-insurance'
  | 'without-insurance-only'
  | 'with-insurance-only';

/** The insurance terms under which the services of a window are bookable. */
export interface Insurance {
  readonly accepted: InsuranceAccepted;
  /** Ids of insurers. They are required for `with-insurance-only` and rejected for `without-insurance-only`. */
  readonly providers?: readonly string[] | undefined;
  /** Ids of insurers' plans. They are rejected for `without-insurance-only`. */
  readonly plans?: readonly string[] | undefined;
}

/** Available time and the services that are bookable in it. Windows may overlap and touch. */
export interface Window extends Interval {
  /** At least one. */
  readonly services: readonly Service[];
  readonly insurance?: Insurance | undefined;
}

/** The input form of a {@link Service}. Its id may be a whole number, which is converted to text. */
export interface ServiceInput {
  /** The marketplace's address service id. */
  readonly id: string | number;
  /** Whole minutes, at least 1. */
  readonly duration: number;
}

/** The input form of a {@link Window}. Every {@link Window} is also a WindowInput. */
export interface WindowInput extends Interval {
  /** At least one. */
  readonly services: readonly ServiceInput[];
  readonly insurance?: Insurance | undefined;
}

/** The input of {@link computeSlotConfigs}. */
export interface ComputeInput {
  /** An IANA name such as `Europe/Warsaw`, or a fixed offset such as `UTC+2` or `UTC-03:30`. */
  readonly timeZone: string;
  readonly windows: readonly WindowInput[];
  readonly busy?: readonly Busy[] | undefined;
  /** First local date, `YYYY-MM-DD`. Default: the first date that a window touches. */
  readonly from?: string | undefined;
  /** Last local date, `YYYY-MM-DD`, inclusive. Default: the last date that a window touches. */
  readonly to?: string | undefined;
  /** Whole minutes kept free before each busy interval. Default 0. */
  readonly bufferBefore?: number | undefined;
  /** Whole minutes kept free after each busy interval. Default 0. */
  readonly bufferAfter?: number | undefined;
  /**
   * Whole minutes, at least 1. A slot begins at a multiple of the grid, counted in wall-clock minutes of the day. Default
   * 1.
   */
  readonly grid?: number | undefined;
  /** No slot begins before this instant. */
  readonly notBefore?: Instant | undefined;
  /** No slot ends after this instant. */
  readonly notAfter?: Instant | undefined;
}

/** A service in the marketplace's format. Contract: replaceSlots. */
export interface AddressService {
  readonly address_service_id: string;
  /** Minutes. */
  readonly duration: number;
}

/**
 * A work period in the format of an entry of replaceSlots, from which the marketplace computes bookable starts. Its services
 * are sorted by id. Slots may share one `address_services` list, so a caller must copy the list before changing it.
 * Contract: replaceSlots.
 */
export interface Slot {
  /** ISO 8601 with seconds and the zone's offset at that instant, never `Z`. */
  readonly start: string;
  /** In the format of `start`, and on the same local date. */
  readonly end: string;
  readonly address_services: readonly AddressService[];
  readonly insurance_accepted?: InsuranceAccepted;
  readonly insurance_providers?: readonly string[];
  readonly insurance_plans?: readonly string[];
}

/** The slot configuration of one local date. A date without free time has no slots. */
export interface Day {
  /** `YYYY-MM-DD` in the `timeZone` of the call. */
  readonly date: string;
  readonly slots: readonly Slot[];
}
