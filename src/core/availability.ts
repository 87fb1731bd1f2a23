/** Windows as a timeline: the stretches of time over which the same services are on offer. Busy time is not in it. */
import type { Spans } from './intervals.js';
import { InvalidScheduleError } from './invalid-schedule-error.js';
import { isRecord } from './is-record.js';
import { type Offer, type OfferReader, sortById } from './offers.js';
import { readId } from './read-id.js';
import type { Span } from './span.js';
import type { AddressService } from './types.js';

/** Sorted and disjoint; two neighbours that touch offer different things. The i-th interval offers `offers[i]`. */
export interface Timeline extends Spans {
  readonly offers: Offer[];
}

/** A window read: epoch ms, and what it offers. */
export interface OpenWindow extends Span {
  readonly offer: Offer;
  /** Its place in the input, for errors. */
  readonly index: number;
  /** Its services as they were given, for errors. */
  readonly given: unknown;
}

/**
 * @throws InvalidScheduleError at the window with which a service would get two durations, or a patient two insurance
 * terms, at one instant. Busy time makes no difference to that: a cancelled appointment must not make input invalid.
 */
export function buildTimeline(windows: OpenWindow[], reader: OfferReader): Timeline {
  let sorted = true;
  let apart = true;
  for (let i = 1; i < windows.length && sorted; i++) {
    const before = windows[i - 1];
    const window = windows[i];
    if (before === undefined || window === undefined) break;
    sorted = before.start <= window.start;
    apart = apart && before.end <= window.start;
  }
  if (!sorted) {
    windows.sort((a, b) => a.start - b.start);
    apart = windows.every((window, i) => (windows[i - 1]?.end ?? 0) <= window.start);
  }
  const timeline: Timeline = { starts: [], ends: [], offers: [] };
  if (apart) for (const { start, end, offer } of windows) append(timeline, start, end, offer);
  else mergeOverlapping(windows, reader, timeline);
  return timeline;
}

function append({ starts, ends, offers }: Timeline, start: number, end: number, offer: Offer): void {
  const last = ends.length - 1;
  // A list is slow to read at -1.
  if (last >= 0 && ends[last] === start && offers[last] === offer) {
    ends[last] = end;
    return;
  }
  starts.push(start);
  ends.push(end);
  offers.push(offer);
}

/** Walks over the instants at which windows begin and end, and keeps what is on offer in between. */
function mergeOverlapping(begun: readonly OpenWindow[], reader: OfferReader, timeline: Timeline): void {
  const ended = [...begun].sort((a, b) => a.end - b.end);
  const onOffer = new ActiveOffer(reader);
  let nextBegin = begun[0];
  let nextEnd = ended[0];
  for (let b = 0, e = 0, since = 0; nextEnd !== undefined; ) {
    const at = Math.min(nextBegin?.start ?? nextEnd.end, nextEnd.end);
    const offer = onOffer.current();
    if (offer !== undefined && since < at) append(timeline, since, at, offer);
    since = at;
    for (; nextEnd?.end === at; nextEnd = ended[++e]) onOffer.remove(nextEnd);
    for (; nextBegin?.start === at; nextBegin = begun[++b]) onOffer.add(nextBegin);
  }
}

/** What the windows that cover an instant offer together. */
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
  const place = services.findIndex((service) => isRecord(service) && readId(service.id) === id);
  return new InvalidScheduleError(
    `windows[${index}].services[${place}].duration`,
    'differs from the same service in a window that overlaps',
  );
}

function termsError(index: number, other: number): InvalidScheduleError {
  return new InvalidScheduleError(
    `windows[${index}].insurance`,
    `differs from windows[${other}], which overlaps: a slot of the marketplace has one set of insurance terms`,
  );
}
