/**
 * The limits that the marketplace's responses state for a client: an hourly quota of all requests, and a limit of the writes
 * of a minute. A response states one of them without naming it; its method and the time of the reset tell which. Pure.
 * Contract: Limits.
 */

import type { Limits } from '../db/tables/accounts.js';
import type { GateAnswer } from '../docplanner/index.js';

export type ReportedLimits = Partial<Pick<Limits, 'writesPerMinute' | 'writesPerHour' | 'requestsPerHour'>>;

/** A reset nearer than this belongs to a limit of a minute; clocks may differ by the rest. */
const NEAR_RESET_MS = 90_000;

/** @param now epoch milliseconds */
export function reportedLimitsOf(
  { write, rateLimit }: Pick<GateAnswer, 'write' | 'rateLimit'>,
  now: number,
): ReportedLimits {
  if (rateLimit?.resetAt === undefined) return {};
  const limit = Math.max(1, rateLimit.limit);
  const isNear = rateLimit.resetAt - now <= NEAR_RESET_MS;
  if (write) return isNear ? { writesPerMinute: limit } : { writesPerHour: limit };
  // Reads have no limit of a minute: a near reset means another limit, or that the hour is nearly over.
  return isNear ? {} : { requestsPerHour: limit };
}

/** Lowers the configured limits to the reported ones; a higher reported limit changes nothing. */
export function applyReportedLimits(limits: Limits, reported: ReportedLimits = {}): Limits {
  const { writesPerMinute, writesPerHour, requestsPerHour } = reported;
  return {
    ...limits,
    writesPerMinute: min(limits.writesPerMinute, writesPerMinute),
    writesPerHour: min(limits.writesPerHour, writesPerHour),
    requestsPerHour: min(limits.requestsPerHour, requestsPerHour),
  };
}

const min = (configured: number, reported = configured): number => Math.min(configured, reported);
