/** Exponential backoff in milliseconds: doubling, capped, with jitter, so that the retries of calendars are spread. */
import { HOUR, MINUTE } from '../core/duration.js';

export interface Backoff {
  readonly firstMs: number;
  readonly capMs: number;
}

/** After a timeout, a reset, or a 5xx of the marketplace. */
export const RETRY: Backoff = { firstMs: 1_000, capMs: 5 * MINUTE };
/** After a block by the marketplace's firewall: each further request prolongs the block. Contract: Limits. */
export const FIREWALL: Backoff = { firstMs: MINUTE, capMs: HOUR };

/**
 * @param attempt number of consecutive failures, from 1
 * @param random from 0 to 1
 */
export function backoffMs(backoff: Backoff, attempt: number, random: number): number {
  const whole = Math.min(backoff.capMs, backoff.firstMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(whole * (0.5 + random / 2));
}
