// The access token of one client: shared by concurrent requests, renewed before it expires, stored only in memory.

import { MINUTE } from '../core/duration.js';
import { Backoff } from './backoff.js';
import { ConnectionError } from './errors/connection-error.js';
import { DocplannerError, type ErrorContext } from './errors/docplanner-error.js';
import { ServerError } from './errors/server-error.js';
import { TokenUnavailableError } from './errors/token-unavailable-error.js';

export interface GrantedToken {
  readonly value: string;
  readonly expiresInMs: number;
}

interface Token {
  readonly value: string;
  readonly renewAt: number;
  readonly expiresAt: number;
}

/** The first and the maximum delay in milliseconds, after a transient failure and after a refusal. */
export interface TokenBackoff {
  readonly transient: { readonly firstMs: number; readonly capMs: number };
  readonly refused: { readonly firstMs: number; readonly capMs: number };
}

export const defaultTokenBackoff: TokenBackoff = {
  transient: { firstMs: 1_000, capMs: MINUTE },
  refused: { firstMs: 15_000, capMs: 900_000 },
};

/** A token is renewed this long before it expires, or a tenth of its lifetime when that is shorter. */
const MAX_RENEWAL_MARGIN_MS = MINUTE;

/**
 * Contract: Authorization. The marketplace treats a client that requests tokens too often as a bot. Token requests therefore back
 * off when the endpoint fails, and when the marketplace refuses tokens that it just issued.
 */
export class TokenSource {
  readonly #grant: () => Promise<GrantedToken>;
  readonly #now: () => number;
  readonly #delays: TokenBackoff;
  readonly #backoff = new Backoff();
  #failure: DocplannerError | undefined;
  #token: Token | undefined;
  #renewal: Promise<string> | undefined;

  constructor(grant: () => Promise<GrantedToken>, now: () => number, delays: TokenBackoff) {
    this.#grant = grant;
    this.#now = now;
    this.#delays = delays;
  }

  /**
   * @param context the operation that needs the token
   * @throws TokenUnavailableError
   */
  async get(context: ErrorContext): Promise<string> {
    const now = this.#now();
    if (this.#token && now < this.#token.renewAt) return this.#token.value;
    try {
      return await this.#renewOnce(now);
    } catch (error) {
      const usable = this.#token;
      if (usable && this.#now() < usable.expiresAt) return usable.value;
      if (!(error instanceof DocplannerError)) throw error;
      throw new TokenUnavailableError(context, error, this.#backoff.waitMs(this.#now()));
    }
  }

  /** After a 401: deletes the token, unless another request has renewed it meanwhile. */
  invalidate(value: string): void {
    if (this.#token?.value === value) this.#token = undefined;
  }

  /** After a 401 with a renewed token: another renewal would not help, so renewals back off. */
  recordRejection(value: string, error: DocplannerError): void {
    if (this.#token?.value !== value) return;
    this.#token = undefined;
    this.#recordFailure(error);
  }

  /** After a success: the token is valid, and the backoff is reset. */
  recordSuccess(value: string): void {
    if (this.#token?.value === value) this.#backoff.reset();
  }

  #renewOnce(now: number): Promise<string> {
    if (this.#renewal) return this.#renewal;
    if (this.#failure && this.#backoff.waitMs(now) > 0) return Promise.reject(this.#failure);
    this.#renewal = this.#renew().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #renew(): Promise<string> {
    const requestedAt = this.#now();
    try {
      const { value, expiresInMs } = await this.#grant();
      const margin = Math.min(MAX_RENEWAL_MARGIN_MS, expiresInMs / 10);
      this.#token = {
        value,
        renewAt: requestedAt + expiresInMs - margin,
        expiresAt: requestedAt + expiresInMs,
      };
      this.#failure = undefined;
      return value;
    } catch (error) {
      if (error instanceof DocplannerError) this.#recordFailure(error);
      throw error;
    }
  }

  #recordFailure(error: DocplannerError): void {
    const isTransient = error instanceof ConnectionError || error instanceof ServerError;
    this.#failure = error;
    this.#backoff.recordFailure(
      this.#now(),
      isTransient ? this.#delays.transient : this.#delays.refused,
      error.retryAfterMs,
    );
  }
}
