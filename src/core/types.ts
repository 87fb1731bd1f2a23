/** The words of the core: what a caller gives (instants, windows, busy) and gets (days of slots). */

/**
 * A point in time: an ISO 8601 string (with an offset, or a wall-clock time that is read in the `timeZone` of the
 * call; a space may stand for the `T`), a `Date`, or epoch milliseconds. Years 1970 to 9999; a number below
 * 100,000,000,000 is refused, since it looks like seconds.
 *
 * A wall-clock time that the clock skips moves forward with it; one that comes twice means the first.
 */
export type Instant = string | Date | number;

/** Half-open: `start` belongs to it, `end` does not. */
export interface Interval {
  readonly start: Instant;
  readonly end: Instant;
}

/** Taken time. Several may overlap, touch, nest, lie outside every window, and come in any order. */
export type Busy = Interval;

/** Something that a patient can book. */
export interface Service {
  /** The marketplace's address service id. */
  readonly id: string;
  /** Whole minutes, at least 1. */
  readonly duration: number;
}

/** Whose patients are taken. Contract: replaceSlots. */
export type InsuranceAccepted =
  | 'with-and-without-insurance'
  | 'without-insurance-only'
  | 'with-insurance-only';

/** The insurance terms under which the services of a window are bookable. */
export interface Insurance {
  readonly accepted: InsuranceAccepted;
  /** Ids of insurers; required for `with-insurance-only`, refused for `without-insurance-only`. */
  readonly providers?: readonly string[] | undefined;
  /** Ids of insurers' plans; refused for `without-insurance-only`. */
  readonly plans?: readonly string[] | undefined;
}

/** Available time, and what is bookable in it. Windows may overlap and touch. */
export interface Window extends Interval {
  /** At least one. */
  readonly services: readonly Service[];
  readonly insurance?: Insurance | undefined;
}

/** A service as a caller writes it: its id may be a whole number, and is kept as text. */
export interface ServiceInput {
  /** The marketplace's address service id. */
  readonly id: string | number;
  /** Whole minutes, at least 1. */
  readonly duration: number;
}

/** A window as a caller writes it. A {@link Window} is one. */
export interface WindowInput extends Interval {
  /** At least one. */
  readonly services: readonly ServiceInput[];
  readonly insurance?: Insurance | undefined;
}

/** What {@link computeSlotConfigs} computes from. */
export interface ComputeInput {
  /** An IANA name such as `Europe/Warsaw`, or a fixed offset such as `UTC+2` or `UTC-03:30`. */
  readonly timeZone: string;
  readonly windows: readonly WindowInput[];
  readonly busy?: readonly Busy[] | undefined;
  /** First local date, `YYYY-MM-DD`. Default: the first that a window touches. */
  readonly from?: string | undefined;
  /** Last local date, `YYYY-MM-DD`, itself included. Default: the last that a window touches. */
  readonly to?: string | undefined;
  /** Whole minutes kept free before each busy interval. Default 0. */
  readonly bufferBefore?: number | undefined;
  /** Whole minutes kept free after each busy interval. Default 0. */
  readonly bufferAfter?: number | undefined;
  /** Whole minutes, at least 1: slots begin where the wall clock's minutes of the day are a multiple of it. */
  readonly grid?: number | undefined;
  /** Nothing is offered before this instant. */
  readonly notBefore?: Instant | undefined;
  /** Nothing is offered that ends after this instant. */
  readonly notAfter?: Instant | undefined;
}

/** A service as the marketplace writes it. Contract: replaceSlots. */
export interface AddressService {
  readonly address_service_id: string;
  /** Minutes. */
  readonly duration: number;
}

/**
 * A work period, exactly as an entry of replaceSlots: the marketplace cuts it into bookable starts. Its services are
 * in the order of their ids. Slots may share one `address_services` list, so copy it before changing it. Contract:
 * replaceSlots.
 */
export interface Slot {
  /** ISO 8601 with seconds and the zone's offset at that instant, never `Z`. */
  readonly start: string;
  /** Like `start`, on the same local date. */
  readonly end: string;
  readonly address_services: readonly AddressService[];
  readonly insurance_accepted?: InsuranceAccepted;
  readonly insurance_providers?: readonly string[];
  readonly insurance_plans?: readonly string[];
}

/** The slot configuration of one local date; no slots where nothing is free. */
export interface Day {
  /** `YYYY-MM-DD` in the zone of the call. */
  readonly date: string;
  readonly slots: readonly Slot[];
}
