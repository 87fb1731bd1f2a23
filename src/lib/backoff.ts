/** How long to wait after failures, in milliseconds: doubling, capped, with jitter so that calendars spread. */
import { HOUR, MINUTE } from '../core/duration.js';

export interface Backoff {
  readonly firstMs: number;
  readonly capMs: number;
}

/** For a calendar whose marketplace does not answer, or answers 5xx. */
export const RETRY: Backoff = { firstMs: 1_000, capMs: 5 * MINUTE };
/** For an account that the firewall took for a bot: every request makes it worse. Contract: Limits. */
export const FIREWALL: Backoff = { firstMs: MINUTE, capMs: HOUR };

/**
 * @param attempt how many failed one after another, from 1
 * @param random from 0 to 1
 */
export function backoffMs(backoff: Backoff, attempt: number, random: number): number {
  const whole = Math.min(backoff.capMs, backoff.firstMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(whole * (0.5 + random / 2));
}
