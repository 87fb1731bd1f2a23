/**
 * The rate-limit policy: how an account's requests are divided among the bands of priority. Closing changes may use every
 * write; every other band leaves some of them, and of the reads a resync leaves the most. Pure. Contract: Limits.
 */
import { HOUR, MINUTE } from '../core/duration.js';
import { type Band, bandOf, COMPARISON_PRIORITY } from '../core/index.js';
import type { Limits } from '../db/tables/accounts.js';
import type { RateWindow } from '../db/tables/requests.js';

/** A quarter of the writes is reserved for closing changes and for pulling notifications. */
const WRITE_SHARES: Readonly<Record<Band, number>> = {
  closing: 1,
  verification: 1,
  opening: 3 / 4,
  resync: 3 / 4,
  default: 3 / 4,
};

/**
 * A quarter of the reads is reserved for everything but resyncs, and half of that for pulling notifications: a pull every ten
 * seconds sends thirty requests in five minutes, and of 300 reads 38 are reserved for it.
 */
const READ_SHARES: Readonly<Record<Band, number>> = {
  closing: 7 / 8,
  verification: 1,
  opening: 7 / 8,
  resync: 3 / 4,
  default: 7 / 8,
};

/** A comparison reads a calendar's slots, bookings and breaks; a limit below that would never allow one. */
export const READS_PER_COMPARISON = 3;

/** The windows that a request must fit into. */
export function windowsFor(limits: Limits, request: { write: boolean; priority: number }): RateWindow[] {
  const { writesPerMinute, writesPerHour, requestsPerHour, requestsPerFiveMinutes } = limits;
  const band = bandOf(request.priority);
  const all = [
    ...(requestsPerFiveMinutes === undefined
      ? []
      : [{ limit: requestsPerFiveMinutes, perMs: 5 * MINUTE, writes: writesPerMinute * 5 }]),
    { limit: requestsPerHour, perMs: HOUR, writes: writesPerHour },
  ];
  const requestWindows = all.map(({ limit, perMs }): RateWindow => ({ of: 'requests', limit, perMs }));
  if (request.write) {
    const part = (limit: number): number => Math.max(1, Math.floor(limit * WRITE_SHARES[band]));
    return [
      { of: 'writes', limit: part(writesPerMinute), perMs: MINUTE },
      { of: 'writes', limit: part(writesPerHour), perMs: HOUR },
      ...requestWindows,
    ];
  }
  // Reads leave the requests that writes need: as many as the limit of the writes, but no more than half of all.
  const readWindows = all.map(({ limit, perMs, writes }): RateWindow => {
    const readings = limit - Math.min(writes, Math.floor(limit / 2));
    const part = Math.floor(readings * READ_SHARES[band]);
    return { of: 'reads', limit: Math.max(part, Math.min(limit, READS_PER_COMPARISON)), perMs };
  });
  return [...readWindows, ...requestWindows];
}

/** How far apart comparisons have to be, in milliseconds, so that their reads fit the limits permanently. */
export function comparisonSpacingMs(limits: Limits): number {
  const windows = windowsFor(limits, { write: false, priority: COMPARISON_PRIORITY });
  const reads = windows.filter((window) => window.of === 'reads');
  return Math.max(0, ...reads.map(({ limit, perMs }) => (perMs * READS_PER_COMPARISON) / limit));
}
