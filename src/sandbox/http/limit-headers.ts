// The rate limiter's part of a response: the X-RateLimit-* headers, and 429 with Retry-After. Contract: Limits.
import type { LimitState } from '../rate-limiter.js';
import { type ApiResponse, ERROR_TYPE } from './response.js';

export type ResponseHeaders = Readonly<Record<string, string>>;

export function withHeaders(answer: ApiResponse, headers: ResponseHeaders): ApiResponse {
  return { ...answer, headers: { ...headers, ...answer.headers } };
}

/** Empty where the limits of the client are switched off. */
export function limitHeaders(state: LimitState | undefined): ResponseHeaders {
  if (state === undefined) return {};
  return {
    'x-ratelimit-limit': String(state.limit),
    'x-ratelimit-used': String(state.used),
    'x-ratelimit-remaining': String(state.remaining),
    // Rounded up to whole seconds, so that a client that waits until then is never early.
    'x-ratelimit-reset': new Date(Math.ceil(state.resetAt / 1_000) * 1_000)
      .toISOString()
      .replace('.000Z', '+00:00'),
  };
}

export function tooManyRequests(state: LimitState | undefined, now: number): ApiResponse {
  return tooManyRequestsAfter(Math.max(1, Math.ceil(((state?.resetAt ?? now) - now) / 1_000)));
}

/** @param seconds the value of Retry-After */
export function tooManyRequestsAfter(seconds: number): ApiResponse {
  return {
    status: 429,
    headers: { 'content-type': ERROR_TYPE, 'retry-after': String(seconds) },
    body: { errors: [], message: 'Too many requests.' },
  };
}
