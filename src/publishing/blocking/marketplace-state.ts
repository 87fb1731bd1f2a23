/** The marketplace's bookings and breaks of a calendar between two dates, as they were read and as we changed them since. */
import type { Span } from '../../core/span.js';

/** An own break. Epoch milliseconds. */
export interface OwnBreak extends Span {
  readonly id: string;
}

/** A booking that we made in place of an appointment. */
export interface Placeholder extends Span {
  /** The visit booking id. */
  readonly id: string;
  /** The appointment; null where it is unknown. */
  readonly ref: string | null;
}

export interface MarketplaceState {
  /** The local dates that were read, both included. */
  readonly from: string;
  readonly to: string;
  readonly breaks: readonly OwnBreak[];
  readonly placeholders: readonly Placeholder[];
  /** Bookings and breaks of others. */
  readonly others: readonly Span[];
}
