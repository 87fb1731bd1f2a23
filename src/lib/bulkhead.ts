/**
 * A bulkhead: limits how many places of a worker one group (an account, or a clinic's address) occupies, so that a slow group
 * leaves places to the others.
 */

export interface BulkheadOptions {
  /** The places of this process. */
  readonly concurrency: number;
  /**
   * The places of one group at most, also if there is no other group. With many groups, half of all places stay free for groups
   * that have none. Default: three quarters of the places, applied only if there are other groups.
   */
  readonly maxPerKey?: number;
  /** The longest time until a refused acquisition is tried again, in milliseconds; default 1 s. */
  readonly maxWaitMs?: number;
  readonly now: () => number;
}

export type Acquisition =
  | {
      readonly kind: 'acquired';
      readonly release: () => void;
      /** Whether the group is still within its limit, which shrinks when other groups arrive. */
      readonly mayContinue: () => boolean;
    }
  | { readonly kind: 'full'; readonly afterMs: number };

/** The bounds of the time in which all places of a group are expected to be released once. */
const MIN_CYCLE_MS = 100;
const MAX_CYCLE_MS = 1_000;

interface Group {
  readonly active: Set<{ readonly since: number }>;
  /** Exponential average of how long places were occupied: the last one counts half. */
  averageMs: number;
  /** When refused acquisitions are tried again, in epoch milliseconds. */
  retryTimes: readonly number[];
}

export class Bulkhead {
  readonly #now: () => number;
  readonly #concurrency: number;
  readonly #maxPerGroup: number;
  readonly #maxWaitMs: number;
  /** Whether the limit holds for a group without others. */
  readonly #limitsOnlyGroup: boolean;
  /** Groups that have places. */
  readonly #groups = new Map<string, Group>();
  readonly #names = new Set<string>();

  constructor({ concurrency, maxPerKey, maxWaitMs = MAX_CYCLE_MS, now }: BulkheadOptions) {
    this.#now = now;
    this.#concurrency = concurrency;
    this.#maxPerGroup = maxPerKey ?? Math.max(1, Math.floor(concurrency * 0.75));
    this.#maxWaitMs = maxWaitMs;
    this.#limitsOnlyGroup = maxPerKey !== undefined;
  }

  /** @param name of the group */
  acquire(name: string): Acquisition {
    this.#names.add(name);
    const group = this.#groups.get(name) ?? { active: new Set(), averageMs: 0, retryTimes: [] };
    this.#groups.set(name, group);
    if ((this.#limitsOnlyGroup || this.#names.size > 1) && group.active.size >= this.#limit()) {
      return { kind: 'full', afterMs: this.#scheduleRetry(group) };
    }
    const place = { since: this.#now() };
    group.active.add(place);
    return {
      kind: 'acquired',
      release: () => {
        group.active.delete(place);
        group.averageMs = (group.averageMs + this.#now() - place.since) / 2;
        if (group.active.size === 0) this.#groups.delete(name);
      },
      mayContinue: () => group.active.size <= this.#limit(),
    };
  }

  #limit(): number {
    if (!this.#limitsOnlyGroup) return this.#maxPerGroup;
    return Math.max(1, Math.min(this.#maxPerGroup, Math.floor(this.#concurrency / 2 / this.#groups.size)));
  }

  /**
   * As many retries are due per cycle as the group has places, so that any number of waiting jobs causes a bounded number of
   * retries. The slowest active place sets the length of the cycle.
   */
  #scheduleRetry(group: Group): number {
    const now = this.#now();
    const ages = [...group.active].map(({ since }) => now - since);
    const cycleMs = Math.min(MAX_CYCLE_MS, Math.max(group.averageMs, ...ages));
    const pending = group.retryTimes.filter((at) => at > now);
    const cycles = 1 + Math.floor(pending.length / this.#limit());
    const afterMs = Math.min(this.#maxWaitMs, Math.max(MIN_CYCLE_MS, cycles * cycleMs));
    group.retryTimes = [...pending, now + afterMs];
    return afterMs;
  }
}
