/** Occupancy events as a clinic's system writes them: by HTTP, as lines of NDJSON, as jobs of the queue, and in the library. */
import type { Instant, WindowInput } from '../core/index.js';

/** An id as the PMS has it: text, or a whole number, which is kept as text. At most 200 characters. */
export type PmsId = string | number;

interface AnyEvent {
  /** Makes the event idempotent: one that was taken in before under this id changes nothing. Kept for 30 days. */
  readonly id: PmsId;
  /** The calendar's id in the configuration. */
  readonly calendar: string;
}

/**
 * An appointment or a block takes time. With a `ref` that is known it moves there. However long it is, it counts where it meets
 * the horizon; one of zero length is ignored, and what is known of its `ref` stays.
 */
export interface OccupiedEvent extends AnyEvent {
  readonly type: 'occupied';
  /** The PMS's id of the appointment. */
  readonly ref: PmsId;
  /** Inclusive. */
  readonly start: Instant;
  /** Exclusive; not before `start`. */
  readonly end: Instant;
  /** A whole number that orders the events of one `ref`: a lower one than the last seen changes nothing (`stale`). */
  readonly version?: number | undefined;
  /** Default: `booking`. */
  readonly kind?: 'booking' | 'block' | undefined;
  /** The address service that it is about. */
  readonly service?: PmsId | undefined;
  /** The marketplace's visit booking that this appointment is: the two are linked. */
  readonly booking?: PmsId | undefined;
}

/** The time of an appointment is free again. */
export interface ReleasedEvent extends AnyEvent {
  readonly type: 'released';
  /** The PMS's id of the appointment. */
  readonly ref: PmsId;
  /** As in {@link OccupiedEvent}. */
  readonly version?: number | undefined;
}

/** Replaces the windows of some dates: when the calendar is available, and for what. */
export interface AvailableEvent extends AnyEvent {
  readonly type: 'available';
  /** First local date, `YYYY-MM-DD`. */
  readonly from: string;
  /** Last local date, itself included; at most 366 dates. */
  readonly to: string;
  /** All of these dates; none for dates on which nothing can be booked. At most 5,000. */
  readonly windows: readonly WindowInput[];
}

/**
 * What a clinic's system says about its occupancy, told apart by `type`. Other keys than these are dropped and named in the
 * answer's `warnings`; one that is a near miss of a key is refused.
 */
export type OccupancyEvent = OccupiedEvent | ReleasedEvent | AvailableEvent;
