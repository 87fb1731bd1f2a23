/** When a failed delivery is retried, and when it is given up. Times are in milliseconds. */
import { HOUR, SECOND } from '../core/duration.js';
import { type Backoff, backoffMs } from '../lib/backoff.js';

const RETRY: Backoff = { firstMs: 5 * SECOND, capMs: HOUR / 2 };
/** The limits of a pause that a clinic requests by `Retry-After`. */
const MIN_PAUSE_MS = SECOND;
const MAX_PAUSE_MS = HOUR;
/** Counted from the first attempt. */
export const RETRY_FOR_MS = 72 * HOUR;

export interface Attempt {
  /** Attempts that failed before this one. */
  readonly failedBefore: number;
  /** When the first attempt began, in epoch milliseconds. */
  readonly first: number;
  readonly now: number;
  /** The pause that the clinic requests. */
  readonly pauseMs?: number | undefined;
  /** From 0 to 1. */
  readonly random: number;
}

/** @returns epoch milliseconds; undefined when the delivery is given up. The last attempt is made at the end of the period. */
export function nextRetry({ failedBefore, first, now, pauseMs, random }: Attempt): number | undefined {
  const end = first + RETRY_FOR_MS;
  if (now >= end) return undefined;
  const waitMs =
    pauseMs === undefined
      ? backoffMs(RETRY, failedBefore + 1, random)
      : Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, pauseMs));
  return Math.min(end, now + waitMs);
}

/**
 * Parses a `Retry-After` header: seconds, or an HTTP date.
 * @returns how long to wait, in milliseconds
 */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * SECOND;
  const until = /GMT$/.test(value.trim()) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(until) ? undefined : Math.max(0, until - now);
}
