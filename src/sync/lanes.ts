/**
 * Keeps a slow marketplace from taking every place of a worker: where there are several accounts, each leaves some
 * places to the others.
 */

export interface LanesOptions {
  /** Calendars at the same time in this process. */
  readonly concurrency: number;
  readonly now: () => number;
}

export type Entry =
  | { readonly kind: 'entered'; readonly leave: () => void }
  | { readonly kind: 'full'; readonly afterMs: number };

/** Older than this, what is in hand is slow, and it is not worth asking again soon. */
const SLOW_MS = 1_000;
const ASK_AGAIN_MS = 100;

export class Lanes {
  readonly #now: () => number;
  readonly #most: number;
  readonly #inHand = new Map<string, Set<{ readonly since: number }>>();
  readonly #accounts = new Set<string>();

  constructor({ concurrency, now }: LanesOptions) {
    this.#now = now;
    this.#most = Math.max(1, Math.floor(concurrency * 0.75));
  }

  enter(account: string): Entry {
    this.#accounts.add(account);
    const lane = this.#inHand.get(account) ?? new Set();
    if (this.#accounts.size > 1 && lane.size >= this.#most) {
      const slow = [...lane].every(({ since }) => this.#now() - since > SLOW_MS);
      return { kind: 'full', afterMs: slow ? SLOW_MS : ASK_AGAIN_MS };
    }
    const one = { since: this.#now() };
    this.#inHand.set(account, lane.add(one));
    return {
      kind: 'entered',
      leave: () => {
        lane.delete(one);
        if (lane.size === 0) this.#inHand.delete(account);
      },
    };
  }
}
