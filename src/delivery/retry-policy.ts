/** When a delivery that failed is tried again, and when no more. Times in milliseconds. */
import { HOUR, SECOND } from '../core/duration.js';
import { type Backoff, backoffMs } from '../lib/backoff.js';

const RETRY: Backoff = { firstMs: 5 * SECOND, capMs: HOUR / 2 };
/** A clinic may ask for a pause, within these. */
const MIN_PAUSE_MS = SECOND;
const MAX_PAUSE_MS = HOUR;
/** Since the first attempt. */
export const RETRY_FOR_MS = 72 * HOUR;

export interface Attempt {
  /** Attempts that failed before this one. */
  readonly failedBefore: number;
  /** Epoch milliseconds, of the first one. */
  readonly first: number;
  readonly now: number;
  /** The pause that the clinic asks for. */
  readonly pauseMs?: number | undefined;
  /** From 0 to 1. */
  readonly random: number;
}

/** @returns in epoch milliseconds; undefined when it is not tried any more. The last attempt is made at the very end. */
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
 * Reads `Retry-After`: seconds, or a date of HTTP.
 * @returns how long to wait, in milliseconds
 */
export function readRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * SECOND;
  const until = /GMT$/.test(value.trim()) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(until) ? undefined : Math.max(0, until - now);
}
