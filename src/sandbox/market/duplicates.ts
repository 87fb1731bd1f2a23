// The duplicate rule, both halves: a payload that is still being processed is refused, one that was processed less than
// three minutes ago is accepted and ignored, whatever came in between. Contract: replaceSlots, Duplicates.

export const DUPLICATE_WINDOW_MS = 3 * 60_000;

/** Held while a payload is processed. Exactly one of the two ends it. */
export interface Processing {
  /** It was applied: the three minutes begin. */
  finish(now: number): void;
  /** It was not applied: the same payload may come again at once. */
  drop(): void;
}

export type Admission =
  | { readonly state: 'new'; readonly processing: Processing }
  | { readonly state: 'in-process' }
  | { readonly state: 'repeated' };

const UNGUARDED: Processing = { finish: () => undefined, drop: () => undefined };

export class DuplicateGuard {
  readonly #inProcess = new Set<string>();
  readonly #holds: boolean;
  /** By payload, the instant it was finished; in order of finishing. */
  readonly #finished = new Map<string, number>();

  /** @param holds false: every payload is a new one */
  constructor(holds = true) {
    this.#holds = holds;
  }

  admit(payload: string, now: number): Admission {
    if (!this.#holds) return { state: 'new', processing: UNGUARDED };
    this.#forget(now);
    if (this.#inProcess.has(payload)) return { state: 'in-process' };
    const finished = this.#finished.get(payload);
    if (finished !== undefined && isRecent(finished, now)) return { state: 'repeated' };

    this.#inProcess.add(payload);
    return {
      state: 'new',
      processing: {
        finish: (finishedAt) => {
          this.#inProcess.delete(payload);
          this.#finished.delete(payload);
          this.#finished.set(payload, finishedAt);
        },
        drop: () => {
          this.#inProcess.delete(payload);
        },
      },
    };
  }

  clear(): void {
    this.#finished.clear();
  }

  #forget(now: number): void {
    for (const [payload, finishedAt] of this.#finished) {
      if (isRecent(finishedAt, now)) return;
      this.#finished.delete(payload);
    }
  }
}

function isRecent(finishedAt: number, now: number): boolean {
  return Math.abs(now - finishedAt) < DUPLICATE_WINDOW_MS;
}
