// The gate before every request: budgets live above this room, which only asks before and tells after.

/** Contract: Limits. The `X-RateLimit-*` headers of an answer; absent headers mean that the limiter is off. */
export interface RateLimit {
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  /** When the window starts anew, in epoch milliseconds. */
  readonly resetAt?: number | undefined;
}

export interface GateAnswer {
  readonly write: boolean;
  /** Absent when there was no answer. */
  readonly status?: number | undefined;
  readonly rateLimit?: RateLimit | undefined;
  readonly retryAfterMs?: number | undefined;
  /** The operation has a limit of its own: what the answer says of limits may be about that one. */
  readonly ownLimit?: true;
}

/**
 * Asked before every request of an account except those for tokens. `before` resolves when the request may be sent and
 * rejects to prevent it; each resolved `before` is followed by exactly one `after`, also when no answer came. An `after`
 * that fails takes nothing from the answer, which exists only once: telling of that is for whoever the gate belongs to.
 */
export interface RequestGate {
  before(request: { readonly write: boolean }): Promise<void>;
  after(answer: GateAnswer): Promise<void> | void;
}
