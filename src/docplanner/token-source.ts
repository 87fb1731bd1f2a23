// The access token of one client: one for all its concurrent requests, renewed before it expires, kept in memory only.

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

/** Milliseconds: the first wait after a failure that may pass by itself, after one that will not soon, and the bounds. */
export interface TokenBackoff {
  readonly transient: { readonly firstMs: number; readonly capMs: number };
  readonly refused: { readonly firstMs: number; readonly capMs: number };
}

export const defaultTokenBackoff: TokenBackoff = {
  transient: { firstMs: 1_000, capMs: MINUTE },
  refused: { firstMs: 15_000, capMs: 900_000 },
};

/** How long before its end a token is renewed, at most; a tenth of its life when that is shorter. */
const renewalMarginMs = MINUTE;

/**
 * Contract: Authorization. A client that asks for tokens too often is taken for a bot, so a failing token endpoint is
 * left alone for a while, and so is a marketplace that refuses the tokens it has just issued.
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

  /** `context` is the operation that needs the token. Throws `TokenUnavailableError`. */
  async get(context: ErrorContext): Promise<string> {
    const now = this.#now();
    if (this.#token && now < this.#token.renewAt) return this.#token.value;
    try {
      return await this.#renewed(now);
    } catch (error) {
      const usable = this.#token;
      if (usable && this.#now() < usable.expiresAt) return usable.value;
      if (!(error instanceof DocplannerError)) throw error;
      throw new TokenUnavailableError(context, error, this.#backoff.waitMs(this.#now()));
    }
  }

  /** A 401: the token is forgotten, unless another request has had it renewed meanwhile. */
  refused(value: string): void {
    if (this.#token?.value === value) this.#token = undefined;
  }

  /** A 401 to a renewed token: renewing again would change nothing, so renewals wait. */
  refusedAgain(value: string, error: DocplannerError): void {
    if (this.#token?.value !== value) return;
    this.#token = undefined;
    this.#failed(error);
  }

  /** A success: the token is good. */
  accepted(value: string): void {
    if (this.#token?.value === value) this.#backoff.succeeded();
  }

  #renewed(now: number): Promise<string> {
    if (this.#renewal) return this.#renewal;
    if (this.#failure && this.#backoff.waitMs(now) > 0) return Promise.reject(this.#failure);
    this.#renewal = this.#renew().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #renew(): Promise<string> {
    const asked = this.#now();
    try {
      const { value, expiresInMs } = await this.#grant();
      const margin = Math.min(renewalMarginMs, expiresInMs / 10);
      this.#token = { value, renewAt: asked + expiresInMs - margin, expiresAt: asked + expiresInMs };
      this.#failure = undefined;
      return value;
    } catch (error) {
      if (error instanceof DocplannerError) this.#failed(error);
      throw error;
    }
  }

  #failed(error: DocplannerError): void {
    const passing = error instanceof ConnectionError || error instanceof ServerError;
    this.#failure = error;
    this.#backoff.failed(
      this.#now(),
      passing ? this.#delays.transient : this.#delays.refused,
      error.retryAfterMs,
    );
  }
}
