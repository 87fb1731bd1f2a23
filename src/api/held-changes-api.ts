/** What is held for a person, as callers see it, in this process or over HTTP. */

import type { Deletion } from '../db/tables/held-changes.js';
import type { Resolved } from './failures-api.js';

/** One snapshot or configuration that would take away too much. Its `id` is what `release` and `drop` take. */
export interface HeldItem {
  readonly id: string;
  readonly calendar: string;
  readonly cause: 'snapshot' | 'configuration';
  /** The local dates that it speaks of, both included. */
  readonly from: string;
  readonly to: string;
  /** Of when it speaks: what came later is not undone by a release. */
  readonly observedAt: string;
  readonly heldAt: string;
  /** What was too much of it. */
  readonly deletions: readonly Deletion[];
  /** Local dates that keep what it would take away. */
  readonly dates: readonly string[];
  /** How many occupancies it would release. */
  readonly releases: number;
}

/** What can be done about holds, here or over HTTP. */
export interface HeldChangesApi {
  list(): Promise<readonly HeldItem[]>;
  /** Does what was held, or forgets it. */
  settle(verb: 'release' | 'drop', ids: readonly string[]): Promise<Resolved>;
}
