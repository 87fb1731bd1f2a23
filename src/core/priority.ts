/** Computes the job priority of a changed day. */
import { MINUTE } from './duration.js';
import type { Span } from './span.js';

/** The least urgent value: BullMQ's largest priority, 2^21 - 1. */
export const LOWEST_PRIORITY = 2_097_151;

/** The most urgent value. */
export const HIGHEST_PRIORITY = 1;

/** A change to what a day offers. */
export interface Change {
  /** Time that may no longer be sold. Half-open, epoch ms. */
  readonly closed: readonly Span[];
  /** Time that may be sold again. Half-open, epoch ms. */
  readonly opened: readonly Span[];
  /** Epoch ms. */
  readonly now: number;
  /** Whether a resync reads the day without a known change. */
  readonly resync?: boolean | undefined;
}

/** The kind of work that a priority value belongs to. */
export type Band =
  /** Time that may no longer be sold. */
  | 'closing'
  /** A read of the marketplace's updates: a patient may have booked, and the database does not have the booking yet. */
  | 'verification'
  /** Time that may be sold again. */
  | 'opening'
  /** Days that a resync compares, and the differences that it finds. */
  | 'resync'
  /** Work of unknown kind. It is last in a queue and has the rate-limit policy of ordinary work. */
  | 'default';

/** The first value of each band. The millions of the decimal number identify the band. */
const CLOSING = HIGHEST_PRIORITY;
/** The priority of a read of the marketplace's updates. */
export const VERIFICATION_PRIORITY = 900_001;
const OPENING = 1_000_001;
const RESYNC = 2_000_001;

const MINUTES_PER_HOUR = 60;
const MINUTES_PER_WEEK = 7 * 24 * MINUTES_PER_HOUR;
const HORIZON = 12 * MINUTES_PER_WEEK;

/** The priority of a resync's reads. */
export const COMPARISON_PRIORITY = RESYNC + distance([], 0);

/**
 * A whole number from 1 (most urgent) to {@link LOWEST_PRIORITY}. BullMQ processes the lowest first.
 *
 * Closed time precedes opened time, because stale closed time causes double bookings and stale opened time only loses
 * bookings. A resync follows both. Within a band, the nearest time is first: by minutes in the first week, by hours up to
 * the horizon of 12 weeks. All times beyond the horizon and in the past are equal. A change without any closed or opened
 * time has the lowest priority.
 */
export function priority({ closed, opened, now, resync = false }: Change): number {
  if (closed.length === 0 && opened.length === 0) return LOWEST_PRIORITY;
  if (resync) return RESYNC + distance([...closed, ...opened], now);
  return closed.length > 0 ? CLOSING + distance(closed, now) : OPENING + distance(opened, now);
}

/**
 * The distance of the nearest span: in minutes in the first week, in hours after it. A span in the past counts as the
 * horizon.
 */
function distance(spans: readonly Span[], now: number): number {
  let nearest = HORIZON;
  for (const { start, end } of spans) {
    if (end > now) nearest = Math.min(nearest, Math.max(0, Math.floor((start - now) / MINUTE)));
  }
  return nearest < MINUTES_PER_WEEK
    ? nearest
    : MINUTES_PER_WEEK + Math.floor((nearest - MINUTES_PER_WEEK) / MINUTES_PER_HOUR);
}

export function bandOf(value: number): Band {
  if (value < VERIFICATION_PRIORITY) return 'closing';
  if (value < OPENING) return 'verification';
  if (value < RESYNC) return 'opening';
  return value < LOWEST_PRIORITY ? 'resync' : 'default';
}

const BAND_STARTS: Readonly<Record<Band, number>> = {
  closing: CLOSING,
  verification: VERIFICATION_PRIORITY,
  opening: OPENING,
  resync: RESYNC,
  default: RESYNC,
};

/** Minutes of distance that one minute of waiting compensates: a day and nine hours. bench/README.md has the reason. */
const AGEING_MINUTES_PER_MINUTE = 2_000;

/**
 * The priority of a change after it has waited. It rises with the wait but stays in its band: a distant day does not
 * starve, and opened time never precedes closed time.
 * @param waitedMs milliseconds
 */
export function aged(value: number, waitedMs: number): number {
  return Math.max(
    BAND_STARTS[bandOf(value)],
    Math.round(value - (waitedMs / MINUTE) * AGEING_MINUTES_PER_MINUTE),
  );
}
