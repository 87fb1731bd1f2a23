/**
 * Builds the timeline of a schedule's windows: the intervals over which the offered services are constant. It ignores busy
 * time.
 */
import type { Spans } from './intervals.js';
import { InvalidScheduleError } from './invalid-schedule-error.js';
import { isRecord } from './is-record.js';
import { type Offer, type OfferReader, sortById } from './offers.js';
import { readId } from './read-id.js';
import type { Span } from './span.js';
import type { AddressService } from './types.js';

/**
 * Sorted, disjoint intervals. Adjacent intervals that touch have different offers. The offer of the i-th interval is
 * `offers[i]`.
 */
export interface Timeline extends Spans {
  readonly offers: Offer[];
}

/** A parsed window in epoch ms, with its offer. */
export interface OpenWindow extends Span {
  readonly offer: Offer;
  /** The index in the input. Error paths contain it. */
  readonly index: number;
  /** The unparsed services of the input. They locate a conflicting service for an error path. */
  readonly given: unknown;
}

/**
 * Sorts `windows` in place.
 * @throws InvalidScheduleError at the window that gives a service two durations, or a slot two sets of insurance terms, at
 * one instant. Busy time does not suppress the error, because a cancelled appointment must not make the input invalid.
 */
export function buildTimeline(windows: OpenWindow[], reader: OfferReader): Timeline {
  let isSorted = true;
  let isDisjoint = true;
  for (let i = 1; i < windows.length && isSorted; i++) {
    const before = windows[i - 1];
    const window = windows[i];
    if (before === undefined || window === undefined) break;
    isSorted = before.start <= window.start;
    isDisjoint = isDisjoint && before.end <= window.start;
  }
  if (!isSorted) {
    windows.sort((a, b) => a.start - b.start);
    isDisjoint = windows.every((window, i) => (windows[i - 1]?.end ?? 0) <= window.start);
  }
  const timeline: Timeline = { starts: [], ends: [], offers: [] };
  if (isDisjoint) for (const { start, end, offer } of windows) append(timeline, start, end, offer);
  else mergeOverlapping(windows, reader, timeline);
  return timeline;
}

function append({ starts, ends, offers }: Timeline, start: number, end: number, offer: Offer): void {
  const last = ends.length - 1;
  // The check of the index avoids a slow array read at -1.
  if (last >= 0 && ends[last] === start && offers[last] === offer) {
    ends[last] = end;
    return;
  }
  starts.push(start);
  ends.push(end);
  offers.push(offer);
}

/** Visits the start and end instants of windows in order and appends the offer between each pair of neighbours. */
function mergeOverlapping(byStart: readonly OpenWindow[], reader: OfferReader, timeline: Timeline): void {
  const byEnd = [...byStart].sort((a, b) => a.end - b.end);
  const activeOffer = new ActiveOffer(reader);
  let nextStart = byStart[0];
  let nextEnd = byEnd[0];
  for (let b = 0, e = 0, since = 0; nextEnd !== undefined; ) {
    const at = Math.min(nextStart?.start ?? nextEnd.end, nextEnd.end);
    const offer = activeOffer.current();
    if (offer !== undefined && since < at) append(timeline, since, at, offer);
    since = at;
    for (; nextEnd?.end === at; nextEnd = byEnd[++e]) activeOffer.remove(nextEnd);
    for (; nextStart?.start === at; nextStart = byStart[++b]) activeOffer.add(nextStart);
  }
}

/** The combined offer of all windows that cover the current instant. */
class ActiveOffer {
  readonly #services = new Map<string, { readonly service: AddressService; windows: number }>();
  readonly #windows = new Set<OpenWindow>();
  readonly #reader: OfferReader;
  #current: Offer | undefined;

  constructor(reader: OfferReader) {
    this.#reader = reader;
  }

  current(): Offer | undefined {
    if (this.#current === undefined && this.#windows.size > 0) {
      const [{ offer } = { offer: undefined }] = this.#windows;
      const services = sortById(Array.from(this.#services.values(), ({ service }) => service));
      this.#current = this.#reader.intern(services, offer?.terms);
    }
    return this.#current;
  }

  add(window: OpenWindow): void {
    const { offer, index } = window;
    for (const other of this.#windows) {
      if (other.offer.termsKey !== offer.termsKey) throw termsError(index, other.index);
      break;
    }
    this.#windows.add(window);
    for (const service of offer.services) {
      const known = this.#services.get(service.address_service_id);
      if (known === undefined) {
        this.#services.set(service.address_service_id, { service, windows: 1 });
        this.#current = undefined;
      } else {
        if (known.service.duration !== service.duration)
          throw durationError(window, service.address_service_id);
        known.windows++;
      }
    }
  }

  remove(window: OpenWindow): void {
    this.#windows.delete(window);
    for (const { address_service_id: id } of window.offer.services) {
      const known = this.#services.get(id);
      if (known === undefined || --known.windows > 0) continue;
      this.#services.delete(id);
      this.#current = undefined;
    }
  }
}

function durationError({ index, given }: OpenWindow, id: string): InvalidScheduleError {
  const services: readonly unknown[] = Array.isArray(given) ? given : [];
  const position = services.findIndex((service) => isRecord(service) && readId(service.id) === id);
  return new InvalidScheduleError(
    `windows[${index}].services[${position}].duration`,
    'differs from the same service in a window that overlaps',
  );
}

function termsError(index: number, other: number): InvalidScheduleError {
  return new InvalidScheduleError(
    `windows[${index}].insurance`,
    `differs from windows[${other}], which overlaps: a slot of the marketplace has one set of insurance terms`,
  );
}
