/**
 * Keeps a slow marketplace, or a slow clinic, from taking every place of a worker: where there are several, each leaves
 * some places to the others.
 */

export interface BulkheadOptions {
  /** How much is in hand at the same time in this process. */
  readonly concurrency: number;
  /**
   * How much of it in one lane, also where there is no other, and less where there are many: half of all places are free for
   * lanes that have nothing in hand. Default three quarters, where there are others.
   */
  readonly maxPerKey?: number;
  /** How long one that finds a lane full is sent away at most, however many wait for it, in milliseconds; default 1 s. */
  readonly maxWaitMs?: number;
  readonly now: () => number;
}

export type Acquisition =
  | {
      readonly kind: 'entered';
      readonly release: () => void;
      /** Whether nobody else is to have the place by now: where others came, the lane has to do with fewer. */
      readonly mayContinue: () => boolean;
    }
  | { readonly kind: 'full'; readonly afterMs: number };

/** A turn, in which all places are left once, is expected to last between these. */
const MIN_TURN_MS = 100;
const MAX_TURN_MS = 1_000;

interface BulkheadGroup {
  readonly active: Set<{ readonly since: number }>;
  /** How long those before had their places: the last one counts half, the one before it a quarter, and so on. */
  averageMs: number;
  /** When those that were sent away come back, in epoch milliseconds. */
  retryTimes: readonly number[];
}

export class Bulkhead {
  readonly #now: () => number;
  readonly #concurrency: number;
  readonly #most: number;
  readonly #maxWaitMs: number;
  readonly #alsoAlone: boolean;
  readonly #bulkhead = new Map<string, BulkheadGroup>();
  readonly #names = new Set<string>();

  constructor({ concurrency, maxPerKey: maxInOne, maxWaitMs = MAX_TURN_MS, now }: BulkheadOptions) {
    this.#now = now;
    this.#concurrency = concurrency;
    this.#most = maxInOne ?? Math.max(1, Math.floor(concurrency * 0.75));
    this.#maxWaitMs = maxWaitMs;
    this.#alsoAlone = maxInOne !== undefined;
  }

  /** @param name of the lane: an account, or the address of a clinic */
  acquire(name: string): Acquisition {
    this.#names.add(name);
    const group = this.#bulkhead.get(name) ?? { active: new Set(), averageMs: 0, retryTimes: [] };
    this.#bulkhead.set(name, group);
    if ((this.#alsoAlone || this.#names.size > 1) && group.active.size >= this.#share()) {
      return { kind: 'full', afterMs: this.#sendAway(group) };
    }
    const one = { since: this.#now() };
    group.active.add(one);
    return {
      kind: 'entered',
      release: () => {
        group.active.delete(one);
        group.averageMs = (group.averageMs + this.#now() - one.since) / 2;
        if (group.active.size === 0) this.#bulkhead.delete(name);
      },
      mayContinue: () => group.active.size <= this.#share(),
    };
  }

  /** How many places one lane can have, among those that have any. */
  #share(): number {
    if (!this.#alsoAlone) return this.#most;
    return Math.max(1, Math.min(this.#most, Math.floor(this.#concurrency / 2 / this.#bulkhead.size)));
  }

  /**
   * As many come back in a turn as there are places: however many wait, they do not keep the queue busy with asking. One that
   * is slow is enough for the turn to be long.
   */
  #sendAway(group: BulkheadGroup): number {
    const now = this.#now();
    const ages = [...group.active].map(({ since }) => now - since);
    const turnMs = Math.min(MAX_TURN_MS, Math.max(group.averageMs, ...ages));
    const away = group.retryTimes.filter((at) => at > now);
    const turns = 1 + Math.floor(away.length / this.#share());
    const afterMs = Math.min(this.#maxWaitMs, Math.max(MIN_TURN_MS, turns * turnMs));
    group.retryTimes = [...away, now + afterMs];
    return afterMs;
  }
}
