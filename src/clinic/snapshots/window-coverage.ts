/** What can be booked in windows, how much of it other windows would take away, and what they add without taking anything. */
import { isDeepStrictEqual } from 'node:util';
import { MINUTE } from '../../core/duration.js';
import { type Spans, subtract, unite } from '../../core/intervals.js';
import type { StoredWindow } from '../../db/tables/windows.js';

/** Minutes in which something can be booked in the first windows and nothing in the second, between two instants (epoch ms). */
export function countDeletedMinutes(
  before: readonly StoredWindow[],
  after: readonly StoredWindow[],
  from: number,
  until: number,
): number {
  let lost = 0;
  subtract(bookable(before), bookable(after), (start, end) => {
    lost += Math.max(0, Math.min(end, until) - Math.max(start, from));
  });
  return lost / MINUTE;
}

/**
 * What is left of a date's windows when nothing may be taken away: the new ones where they offer all that the old ones
 * do; else the old ones, and of the new ones what lies in time that the old ones do not cover.
 */
export function addedWindows(
  before: readonly StoredWindow[],
  after: readonly StoredWindow[],
): readonly StoredWindow[] {
  if (offersAll(before, after)) return after;
  const taken = covered(before);
  const more = after.flatMap((window) => {
    const pieces: StoredWindow[] = [];
    subtract(covered([window]), taken, (start, end) => {
      pieces.push({ ...window, start: new Date(start), end: new Date(end) });
    });
    return pieces;
  });
  return [...before, ...more].sort(
    (a, b) => a.start.getTime() - b.start.getTime() || a.end.getTime() - b.end.getTime(),
  );
}

/** Whether they say the same, in whatever order. */
export function hasSameWindows(some: readonly StoredWindow[], others: readonly StoredWindow[]): boolean {
  return some.length === others.length && isDeepStrictEqual(canonicalWindows(some), canonicalWindows(others));
}

/** In one order, each as text: equal for windows that say the same. */
export const canonicalWindows = (windows: readonly StoredWindow[]): string[] =>
  windows
    .map((window) => {
      const services = window.services.map(({ id, duration }) => JSON.stringify([id, duration])).sort();
      return JSON.stringify([window.start, window.end, services, termsOf(window)]);
    })
    .sort();

/** Whether each service of the old windows is offered as before wherever it was: as long, on the same terms. */
function offersAll(before: readonly StoredWindow[], after: readonly StoredWindow[]): boolean {
  const now = byOffer(after);
  return [...byOffer(before)].every(([offer, { windows }]) => {
    let kept = true;
    subtract(covered(windows), covered(now.get(offer)?.windows ?? []), () => {
      kept = false;
    });
    return kept;
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

/** Where a service is offered for at least as long as it takes. */
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
