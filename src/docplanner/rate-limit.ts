// Parses the rate-limit headers of an answer. Contract: Limits.

import type { RateLimit } from './gate.js';
import type { Answer } from './transport.js';

/** The `X-RateLimit-*` headers; undefined without them, which means that the limiter is off. */
export function rateLimitOf({ headers }: Answer): RateLimit | undefined {
  const limit = wholeNumber(headers['x-ratelimit-limit']);
  const used = wholeNumber(headers['x-ratelimit-used']);
  const remaining = wholeNumber(headers['x-ratelimit-remaining']);
  if (limit === undefined || remaining === undefined) return undefined;
  const reset = headers['x-ratelimit-reset'];
  const resetAt = typeof reset === 'string' ? Date.parse(reset) : Number.NaN;
  const rateLimit = { limit, used: used ?? Math.max(0, limit - remaining), remaining };
  return Number.isNaN(resetAt) ? rateLimit : { ...rateLimit, resetAt };
}

/**
 * The delay before a retry in milliseconds: `Retry-After` (seconds or an HTTP date), else the time until the window resets for a
 * 429 without remaining requests.
 */
export function retryAfterMsOf(answer: Answer, now: number): number | undefined {
  const retryAfter = answer.headers['retry-after'];
  if (typeof retryAfter === 'string') {
    const seconds = wholeNumber(retryAfter);
    if (seconds !== undefined) return seconds * 1000;
    const at = Date.parse(retryAfter);
    if (!Number.isNaN(at)) return Math.max(0, at - now);
  }
  if (answer.status !== 429) return undefined;
  const rateLimit = rateLimitOf(answer);
  if (rateLimit?.resetAt === undefined || rateLimit.remaining > 0) return undefined;
  return Math.max(0, rateLimit.resetAt - now);
}

function wholeNumber(header: string | string[] | undefined): number | undefined {
  return typeof header === 'string' && /^\d+$/.test(header.trim()) ? Number(header) : undefined;
}
