// The limiter's part of an answer: the X-RateLimit-* headers, and 429 with Retry-After. Contract: Limits.
import type { Reading } from '../limits.js';
import { type Answer, ERROR_TYPE } from './answer.js';

export type Headers = Readonly<Record<string, string>>;

export function withHeaders(answer: Answer, headers: Headers): Answer {
  return { ...answer, headers: { ...headers, ...answer.headers } };
}

/** None where the limiter is off for this client. */
export function limitHeaders(reading: Reading | undefined): Headers {
  if (reading === undefined) return {};
  return {
    'x-ratelimit-limit': String(reading.limit),
    'x-ratelimit-used': String(reading.used),
    'x-ratelimit-remaining': String(reading.remaining),
    // Rounded up to whole seconds: who waits until then is never early.
    'x-ratelimit-reset': new Date(Math.ceil(reading.resetAt / 1_000) * 1_000)
      .toISOString()
      .replace('.000Z', '+00:00'),
  };
}

export function tooMany(reading: Reading | undefined, now: number): Answer {
  return tooManyAfter(Math.max(1, Math.ceil(((reading?.resetAt ?? now) - now) / 1_000)));
}

/** Seconds. */
export function tooManyAfter(seconds: number): Answer {
  return {
    status: 429,
    headers: { 'content-type': ERROR_TYPE, 'retry-after': String(seconds) },
    body: { errors: [], message: 'Too many requests.' },
  };
}
