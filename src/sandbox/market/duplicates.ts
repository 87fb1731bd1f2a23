// The duplicate rule. A payload that is still processed is refused. A payload that was processed less than three minutes ago is
// accepted and ignored, regardless of the requests in between. Contract: replaceSlots, Duplicates.

export const DUPLICATE_WINDOW_MS = 3 * 60_000;

/** The processing of one payload. The caller ends it with exactly one of the two methods. */
export interface Processing {
  /** The payload was applied; its three minutes begin. */
  finish(now: number): void;
  /** The payload was not applied; an equal one is processed at once. */
  abandon(): void;
}

export type Admission =
  | { readonly state: 'new'; readonly processing: Processing }
  | { readonly state: 'in-process' }
  | { readonly state: 'repeated' };

const UNCHECKED: Processing = { finish: () => undefined, abandon: () => undefined };

export class DuplicateGuard {
  readonly #inProcess = new Set<string>();
  readonly #isEnabled: boolean;
  /** The finishing instant by payload, in the order of finishing. */
  readonly #finished = new Map<string, number>();

  /** @param isEnabled when false, every payload is new */
  constructor(isEnabled = true) {
    this.#isEnabled = isEnabled;
  }

  admit(payload: string, now: number): Admission {
    if (!this.#isEnabled) return { state: 'new', processing: UNCHECKED };
    this.#deleteExpired(now);
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
        abandon: () => {
          this.#inProcess.delete(payload);
        },
      },
    };
  }

  clear(): void {
    this.#finished.clear();
  }

  #deleteExpired(now: number): void {
    for (const [payload, finishedAt] of this.#finished) {
      if (isRecent(finishedAt, now)) return;
      this.#finished.delete(payload);
    }
  }
}

function isRecent(finishedAt: number, now: number): boolean {
  return Math.abs(now - finishedAt) < DUPLICATE_WINDOW_MS;
}
