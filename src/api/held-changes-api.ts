/** Held changes and the operations on them, in this process or over HTTP. */

import type { Deletion } from '../db/tables/held-changes.js';
import type { Resolved } from './failures-api.js';

/** One snapshot or configuration that would remove too much. `release` and `drop` take its `id`. */
export interface HeldItem {
  readonly id: string;
  readonly calendar: string;
  readonly cause: 'snapshot' | 'configuration';
  /** The local dates that the change covers, both included. */
  readonly from: string;
  readonly to: string;
  /** The time of the observed state. Releasing the change does not undo later changes. */
  readonly saidAt: string;
  readonly heldAt: string;
  /** The deletions that exceed the guard's limits. */
  readonly losses: readonly Deletion[];
  /** Local dates that retain what the change would remove. */
  readonly dates: readonly string[];
  /** The number of occupancies that the change would release. */
  readonly releases: number;
}

/** The operations on held changes. */
export interface HeldChangesApi {
  list(): Promise<readonly HeldItem[]>;
  /** Applies held changes, or drops them. */
  settle(verb: 'release' | 'drop', ids: readonly string[], actor?: string): Promise<Resolved>;
}
