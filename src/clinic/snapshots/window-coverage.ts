/** Compares windows: the bookable minutes that new windows delete, and the windows that they add without any deletion. */
import { isDeepStrictEqual } from 'node:util';
import { MINUTE } from '../../core/duration.js';
import { type Spans, subtract, unite } from '../../core/intervals.js';
import type { StoredWindow } from '../../db/tables/windows.js';

/** The minutes that are bookable in the first windows and not in the second, between two instants (epoch milliseconds). */
export function countDeletedMinutes(
  before: readonly StoredWindow[],
  after: readonly StoredWindow[],
  from: number,
  until: number,
): number {
  let deletedMs = 0;
  subtract(bookable(before), bookable(after), (start, end) => {
    deletedMs += Math.max(0, Math.min(end, until) - Math.max(start, from));
  });
  return deletedMs / MINUTE;
}

/**
 * A date's windows when nothing may be deleted: the new windows where they offer all that the old ones do; otherwise the old windows
 * and those parts of the new ones that the old ones do not cover.
 */
export function addedWindows(
  before: readonly StoredWindow[],
  after: readonly StoredWindow[],
): readonly StoredWindow[] {
  if (offersAll(before, after)) return after;
  const occupied = covered(before);
  const more = after.flatMap((window) => {
    const pieces: StoredWindow[] = [];
    subtract(covered([window]), occupied, (start, end) => {
      pieces.push({ ...window, start: new Date(start), end: new Date(end) });
    });
    return pieces;
  });
  return [...before, ...more].sort(
    (a, b) => a.start.getTime() - b.start.getTime() || a.end.getTime() - b.end.getTime(),
  );
}

/** Whether both lists contain the same windows, in any order. */
export function hasSameWindows(some: readonly StoredWindow[], others: readonly StoredWindow[]): boolean {
  return some.length === others.length && isDeepStrictEqual(canonicalWindows(some), canonicalWindows(others));
}

/** The windows as sorted text: equal for the same windows in any order. */
export const canonicalWindows = (windows: readonly StoredWindow[]): string[] =>
  windows
    .map((window) => {
      const services = window.services.map(({ id, duration }) => JSON.stringify([id, duration])).sort();
      return JSON.stringify([window.start, window.end, services, termsOf(window)]);
    })
    .sort();

/** Whether the new windows offer each service wherever the old ones do, with the same duration and insurance terms. */
function offersAll(before: readonly StoredWindow[], after: readonly StoredWindow[]): boolean {
  const now = byOffer(after);
  return [...byOffer(before)].every(([offer, { windows }]) => {
    let isOffered = true;
    subtract(covered(windows), covered(now.get(offer)?.windows ?? []), () => {
      isOffered = false;
    });
    return isOffered;
  });
}

interface Offer {
  readonly minutes: number;
  readonly windows: StoredWindow[];
}

function byOffer(windows: readonly StoredWindow[]): Map<string, Offer> {
  const offers = new Map<string, Offer>();
  for (const window of windows) {
    for (const { id, duration } of window.services) {
      const offer = JSON.stringify([id, duration, termsOf(window)]);
      const known = offers.get(offer);
      if (known === undefined) offers.set(offer, { minutes: duration, windows: [window] });
      else known.windows.push(window);
    }
  }
  return offers;
}

const termsOf = ({ insurance }: StoredWindow): readonly unknown[] =>
  insurance === undefined
    ? []
    : [insurance.accepted, [...(insurance.providers ?? [])].sort(), [...(insurance.plans ?? [])].sort()];

/** The spans in which a service is offered for at least its duration. */
function bookable(windows: readonly StoredWindow[]): Spans {
  const fitting: { starts: number[]; ends: number[] } = { starts: [], ends: [] };
  for (const { minutes, windows: offering } of byOffer(windows).values()) {
    const { starts, ends } = covered(offering);
    starts.forEach((start, n) => {
      const end = ends[n] ?? start;
      if (end - start < minutes * MINUTE) return;
      fitting.starts.push(start);
      fitting.ends.push(end);
    });
  }
  return unite(fitting);
}

const covered = (windows: readonly StoredWindow[]): Spans =>
  unite({
    starts: windows.map(({ start }) => start.getTime()),
    ends: windows.map(({ end }) => end.getTime()),
  });
