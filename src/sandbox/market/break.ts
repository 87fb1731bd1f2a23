// The type of a break: a range in which nothing can be booked. Contract: Resources, Breaks.
import type { Interval } from './starts.js';

export interface Break extends Interval {
  readonly id: string;
  readonly description: string;
  /** The ids of the breaks created together on coupled addresses, its own included. They are moved and removed together. */
  readonly coupledIds: readonly string[];
}
