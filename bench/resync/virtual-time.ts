/**
 * How long requests take on a virtual clock, where each is sent as soon as it fits into the limits: all of them spent on it,
 * or what the engine's own budget gives a resync while it leaves room for the day's work. Pure.
 */
import { COMPARISON_PRIORITY } from 'slotkeeper';
import type { RateWindow } from '../../dist/db/tables/requests.js';
import { windowsFor } from '../../dist/rate-limit/policy.js';
import type { Cost } from './cost.js';

/** Contract: Limits. */
export const LIMITS = {
  writesPerMinute: 40,
  writesPerHour: 2_400,
  requestsPerHour: 8_000,
  requestsPerFiveMinutes: 500,
};
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export type Share = 'everything' | 'what the engine gives a resync';

/** Minutes from the first request to the last. */
export function minutesWithin({ reads, writes }: Cost, share: Share): number {
  const sent = { requests: [] as number[], writes: [] as number[], reads: [] as number[] };
  const windows = { read: windowsOf(false, share), write: windowsOf(true, share) };
  const total = reads + writes;
  let now = 0;
  for (let n = 0; n < total; n += 1) {
    // Writes come as evenly as calendars that differ do.
    const write = Math.floor(((n + 1) * writes) / total) > Math.floor((n * writes) / total);
    for (const { of, limit, perMs } of write ? windows.write : windows.read) {
      const before = sent[of];
      now = Math.max(now, (before[before.length - limit] ?? -perMs) + perMs);
    }
    sent.requests.push(now);
    sent[write ? 'writes' : 'reads'].push(now);
  }
  return now / MINUTE;
}

function windowsOf(write: boolean, share: Share): readonly RateWindow[] {
  if (share !== 'everything') return windowsFor(LIMITS, { write, priority: COMPARISON_PRIORITY });
  const all: readonly RateWindow[] = [
    { of: 'requests', limit: LIMITS.requestsPerFiveMinutes, perMs: 5 * MINUTE },
    { of: 'requests', limit: LIMITS.requestsPerHour, perMs: HOUR },
  ];
  if (!write) return all;
  return [
    ...all,
    { of: 'writes', limit: LIMITS.writesPerMinute, perMs: MINUTE },
    { of: 'writes', limit: LIMITS.writesPerHour, perMs: HOUR },
  ];
}
