// A range in which nothing can be booked, made by the doctor or by the integration. Contract: Resources, Breaks.
import type { Interval } from './starts.js';

export interface Break extends Interval {
  readonly id: string;
  readonly description: string;
  /** The ids of all that were made with it on coupled addresses, its own included: they move and go together. */
  readonly together: readonly string[];
}
