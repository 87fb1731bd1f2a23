/**
 * The limits that the marketplace's answers state, which are each client's own: an hourly quota of all requests, and a limit of
 * the writes of a minute. An answer states one of them and not which; its request and the moment of its reset tell. Pure.
 * Contract: Limits.
 */

import type { Limits } from '../db/tables/accounts.js';
import type { GateAnswer } from '../docplanner/index.js';

export type StatedLimits = Partial<Pick<Limits, 'writesPerMinute' | 'writesPerHour' | 'requestsPerHour'>>;

/** A reset that is nearer than this, clocks that differ included, is that of a minute. */
const NEAR_MS = 90_000;

/** @param now epoch milliseconds */
export function statedBy({ write, rateLimit }: GateAnswer, now: number): StatedLimits {
  if (rateLimit?.resetAt === undefined) return {};
  const limit = Math.max(1, rateLimit.limit);
  const isNear = rateLimit.resetAt - now <= NEAR_MS;
  if (write) return isNear ? { writesPerMinute: limit } : { writesPerHour: limit };
  // Readings have no limit of a minute: one that is stated is about something else, or the hour is nearly over.
  return isNear ? {} : { requestsPerHour: limit };
}

/** Where a stated limit is lower than the configured one, it counts. */
export function lowered(limits: Limits, stated: StatedLimits = {}): Limits {
  const { writesPerMinute, writesPerHour, requestsPerHour } = stated;
  return {
    ...limits,
    writesPerMinute: lower(limits.writesPerMinute, writesPerMinute),
    writesPerHour: lower(limits.writesPerHour, writesPerHour),
    requestsPerHour: lower(limits.requestsPerHour, requestsPerHour),
  };
}

const lower = (configured: number, stated = configured): number => Math.min(configured, stated);
