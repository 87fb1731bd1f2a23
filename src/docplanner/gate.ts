// The interface of the gate that every request passes. The rate limiter implements it in another folder.

/** Contract: Limits. The `X-RateLimit-*` headers of an answer; absent headers mean that the limiter is off. */
export interface RateLimit {
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  /** When the window resets, in epoch milliseconds. */
  readonly resetAt?: number | undefined;
}

export interface GatedRequest {
  readonly write: boolean;
  /** The name of the client's method. */
  readonly operation: string;
}

export interface GateAnswer extends GatedRequest {
  /** Absent without an answer. */
  readonly status?: number | undefined;
  readonly rateLimit?: RateLimit | undefined;
  readonly retryAfterMs?: number | undefined;
  /** The operation has a limit of its own, which the rate limit in the answer may describe. */
  readonly ownLimit?: true;
}

/**
 * Called for every request of an account except token requests. `before` resolves when the request may be sent and rejects to
 * prevent it. Each resolved `before` is followed by exactly one `after`, also without an answer. A failure of `after` is ignored,
 * because the answer cannot be requested again; the owner of the gate reports it.
 */
export interface RequestGate {
  before(request: GatedRequest): Promise<void>;
  after(answer: GateAnswer): Promise<void> | void;
}
