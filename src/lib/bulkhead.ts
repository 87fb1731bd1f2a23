/**
 * Keeps a slow marketplace, or a slow clinic, from taking every place of a worker: where there are several, each leaves
 * some places to the others.
 */

export interface LanesOptions {
  /** How much is in hand at the same time in this process. */
  readonly concurrency: number;
  /**
   * How much of it in one lane, also where there is no other, and less where there are many: half of all places are free for
   * lanes that have nothing in hand. Default three quarters, where there are others.
   */
  readonly mostInOne?: number;
  /** How long one that finds a lane full is sent away at most, however many wait for it, in milliseconds; default 1 s. */
  readonly mostWaitMs?: number;
  readonly now: () => number;
}

export type Entry =
  | {
      readonly kind: 'entered';
      readonly leave: () => void;
      /** Whether nobody else is to have the place by now: where others came, the lane has to do with fewer. */
      readonly mayStay: () => boolean;
    }
  | { readonly kind: 'full'; readonly afterMs: number };

/** A turn, in which all places are left once, is expected to last between these. */
const SHORTEST_TURN_MS = 100;
const LONGEST_TURN_MS = 1_000;

interface Lane {
  readonly inHand: Set<{ readonly since: number }>;
  /** How long those before had their places: the last one counts half, the one before it a quarter, and so on. */
  lastedMs: number;
  /** When those that were sent away come back, in epoch milliseconds. */
  away: readonly number[];
}

export class Lanes {
  readonly #now: () => number;
  readonly #concurrency: number;
  readonly #most: number;
  readonly #mostWaitMs: number;
  readonly #alsoAlone: boolean;
  readonly #lanes = new Map<string, Lane>();
  readonly #names = new Set<string>();

  constructor({ concurrency, mostInOne, mostWaitMs = LONGEST_TURN_MS, now }: LanesOptions) {
    this.#now = now;
    this.#concurrency = concurrency;
    this.#most = mostInOne ?? Math.max(1, Math.floor(concurrency * 0.75));
    this.#mostWaitMs = mostWaitMs;
    this.#alsoAlone = mostInOne !== undefined;
  }

  /** @param name of the lane: an account, or the address of a clinic */
  enter(name: string): Entry {
    this.#names.add(name);
    const lane = this.#lanes.get(name) ?? { inHand: new Set(), lastedMs: 0, away: [] };
    this.#lanes.set(name, lane);
    if ((this.#alsoAlone || this.#names.size > 1) && lane.inHand.size >= this.#share()) {
      return { kind: 'full', afterMs: this.#sendAway(lane) };
    }
    const one = { since: this.#now() };
    lane.inHand.add(one);
    return {
      kind: 'entered',
      leave: () => {
        lane.inHand.delete(one);
        lane.lastedMs = (lane.lastedMs + this.#now() - one.since) / 2;
        if (lane.inHand.size === 0) this.#lanes.delete(name);
      },
      mayStay: () => lane.inHand.size <= this.#share(),
    };
  }

  /** How many places one lane can have, among those that have any. */
  #share(): number {
    if (!this.#alsoAlone) return this.#most;
    return Math.max(1, Math.min(this.#most, Math.floor(this.#concurrency / 2 / this.#lanes.size)));
  }

  /**
   * As many come back in a turn as there are places: however many wait, they do not keep the queue busy with asking. One that
   * is slow is enough for the turn to be long.
   */
  #sendAway(lane: Lane): number {
    const now = this.#now();
    const ages = [...lane.inHand].map(({ since }) => now - since);
    const turnMs = Math.min(LONGEST_TURN_MS, Math.max(lane.lastedMs, ...ages));
    const away = lane.away.filter((at) => at > now);
    const turns = 1 + Math.floor(away.length / this.#share());
    const afterMs = Math.min(this.#mostWaitMs, Math.max(SHORTEST_TURN_MS, turns * turnMs));
    lane.away = [...away, now + afterMs];
    return afterMs;
  }
}
