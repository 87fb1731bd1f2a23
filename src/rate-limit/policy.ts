/**
 * How the requests of an account are shared among what asks for them. Closing changes may have every write; everything
 * else leaves some of them, and of the readings a resync leaves the most. Pure. Contract: Limits.
 */
import { HOUR, MINUTE } from '../core/duration.js';
import { type Band, bandOf } from '../core/index.js';
import type { Limits } from '../db/tables/accounts.js';
import type { Window } from '../db/tables/requests.js';

/** A quarter of the writes is kept for what closes, and for asking for what was not heard. */
const OF_THE_WRITES: Readonly<Record<Band, number>> = {
  closing: 1,
  verification: 1,
  opening: 3 / 4,
  resync: 3 / 4,
  default: 3 / 4,
};

/**
 * A quarter of the readings is kept for everything that is no resync, and half of that for hearing: who pulls every ten
 * seconds asks thirty times in five minutes, and of 300 readings 38 are kept for it.
 */
const OF_THE_READINGS: Readonly<Record<Band, number>> = {
  closing: 7 / 8,
  verification: 1,
  opening: 7 / 8,
  resync: 3 / 4,
  default: 7 / 8,
};

/** A calendar's slots, bookings and breaks: fewer readings than a comparison needs would never be enough for one. */
export const READINGS_OF_A_COMPARISON = 3;

/** The windows that a request must fit into. */
export function windowsFor(limits: Limits, request: { write: boolean; priority: number }): Window[] {
  const { writesPerMinute, writesPerHour, requestsPerHour, requestsPerFiveMinutes } = limits;
  const band = bandOf(request.priority);
  const all = [
    ...(requestsPerFiveMinutes === undefined
      ? []
      : [{ limit: requestsPerFiveMinutes, perMs: 5 * MINUTE, writes: writesPerMinute * 5 }]),
    { limit: requestsPerHour, perMs: HOUR, writes: writesPerHour },
  ];
  const inAll = all.map(({ limit, perMs }): Window => ({ of: 'requests', limit, perMs }));
  if (request.write) {
    const part = (limit: number): number => Math.max(1, Math.floor(limit * OF_THE_WRITES[band]));
    return [
      { of: 'writes', limit: part(writesPerMinute), perMs: MINUTE },
      { of: 'writes', limit: part(writesPerHour), perMs: HOUR },
      ...inAll,
    ];
  }
  // A reading must not take the request that a write will need: as many as can be written, but no more than half of all.
  const ofReadings = all.map(({ limit, perMs, writes }): Window => {
    const readings = limit - Math.min(writes, Math.floor(limit / 2));
    const part = Math.floor(readings * OF_THE_READINGS[band]);
    return { of: 'readings', limit: Math.max(part, Math.min(limit, READINGS_OF_A_COMPARISON)), perMs };
  });
  return [...ofReadings, ...inAll];
}

/** How long readings that are taken so many at a time have to lie apart, so that they fit for good; milliseconds. */
export function apartMs(windows: readonly Window[], count: number): number {
  const readings = windows.filter((window) => window.of === 'readings');
  return Math.max(0, ...readings.map(({ limit, perMs }) => (perMs * count) / limit));
}
