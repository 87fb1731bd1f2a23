/** What the marketplace holds of a calendar between two instants, as it was read, and as we changed it since. */
import type { Span } from '../../core/span.js';

/** A break of ours. Epoch milliseconds. */
export interface OwnBreak extends Span {
  readonly id: string;
}

/** A booking of ours, in place of an appointment. */
export interface Placeholder extends Span {
  /** The visit booking id. */
  readonly id: string;
  /** The appointment; null where nobody knows any more which. */
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
