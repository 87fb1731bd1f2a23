/** The types of occupancy events as a PMS writes them: over HTTP, as NDJSON lines, as jobs of the queue, and in the library. */
import type { Instant, WindowInput } from '../core/index.js';

/** An id of the PMS: text, or a whole number, which is stored as text. At most 200 characters. */
export type PmsId = string | number;

interface AnyEvent {
  /** Makes the event idempotent: a later event with the same id changes nothing. The id is stored for 30 days. */
  readonly id: PmsId;
  /** The calendar's id in the configuration. */
  readonly calendar: string;
}

/**
 * An appointment or a block occupies time. An event with a known `ref` moves it. The event may be of any length, and counts where
 * it meets the horizon. An event of zero length is ignored, and the stored state of its `ref` stays.
 */
export interface OccupiedEvent extends AnyEvent {
  readonly type: 'occupied';
  /** The PMS's id of the appointment. */
  readonly ref: PmsId;
  /** Inclusive. */
  readonly start: Instant;
  /** Exclusive; not before `start`. */
  readonly end: Instant;
  /** A whole number that orders the events of one `ref`: a lower number than the stored one changes nothing (`stale`). */
  readonly version?: number | undefined;
  /** Default: `booking`. */
  readonly kind?: 'booking' | 'block' | undefined;
  /** The address service of the appointment. */
  readonly service?: PmsId | undefined;
  /** The id of the marketplace's visit booking of this appointment: the two are linked. */
  readonly booking?: PmsId | undefined;
}

/** An appointment no longer occupies its time. */
export interface ReleasedEvent extends AnyEvent {
  readonly type: 'released';
  /** The PMS's id of the appointment. */
  readonly ref: PmsId;
  /** As in {@link OccupiedEvent}. */
  readonly version?: number | undefined;
}

/** Replaces the windows of dates: when the calendar is available, and for which services. */
export interface AvailableEvent extends AnyEvent {
  readonly type: 'available';
  /** First local date, `YYYY-MM-DD`. */
  readonly from: string;
  /** Last local date, itself included; at most 366 dates. */
  readonly to: string;
  /** All windows of these dates; a date without windows offers nothing. At most 5,000. */
  readonly windows: readonly WindowInput[];
}

/**
 * An occupancy event of a PMS, discriminated by `type`. Unknown keys are dropped and named in the result's `warnings`; a near miss of
 * a known key is refused.
 */
export type OccupancyEvent = OccupiedEvent | ReleasedEvent | AvailableEvent;
