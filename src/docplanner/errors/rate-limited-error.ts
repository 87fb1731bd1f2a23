// 429: a rate limit is exceeded, or an equal request is still processed.

import type { RateLimit } from '../gate.js';
import { DocplannerError, type ErrorContext, type ErrorDetails } from './docplanner-error.js';

/** Contract: Limits, replaceSlots. `retryAfterMs` is set when it can be derived from the answer. */
export class RateLimitedError extends DocplannerError {
  override readonly name = 'RateLimitedError';
  readonly rateLimit?: RateLimit;

  constructor(context: ErrorContext, details: ErrorDetails, rateLimit: RateLimit | undefined) {
    super(context, 'was refused: too many requests', details);
    if (rateLimit !== undefined) this.rateLimit = rateLimit;
  }
}
