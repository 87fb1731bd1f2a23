/**
 * A time zone optimized for the hot path. luxon supplies the zone data. A zone queries luxon once for each year, every few
 * days of that year, and caches the periods of constant offset. All later conversions are additions.
 */
import { FixedOffsetZone, IANAZone } from 'luxon';
import { dateText } from './calendar-date.js';
import { DAY, MINUTE } from './duration.js';
import type { Span } from './span.js';

/** A period of constant offset, split at UTC years. Epoch ms. `offset` is the number of ms to add to UTC. */
interface Era extends Span {
  readonly offset: number;
}

/** A period with one local date and one offset. An ordinary day is one stretch; a day with a clock change has two. */
export interface Stretch extends Span {
  /** Day number of the local date. */
  readonly day: number;
  /** The local date, `YYYY-MM-DD`. */
  readonly date: string;
  /** Milliseconds to add to UTC. */
  readonly offset: number;
  /**
   * Epoch ms at which the local date would begin with this offset. The wall-clock time of an instant is its difference to
   * it.
   */
  readonly midnight: number;
  /** `T10:30:00+01:00` for each minute of the day. */
  readonly times: readonly string[];
}

const MAX_YEARS = 64;

export class Zone {
  readonly #offsetAt: (ms: number) => number;
  readonly #years = new Map<number, readonly Era[]>();
  #era: Era | undefined;
  #stretch: Stretch | undefined;

  /** @param offsetAt returns the offset in ms at an instant */
  constructor(offsetAt: (ms: number) => number) {
    this.#offsetAt = offsetAt;
  }

  stretchAt(ms: number): Stretch {
    const last = this.#stretch;
    if (last !== undefined && ms >= last.start && ms < last.end) return last;
    const era = this.#eraAt(ms);
    const day = Math.floor((ms + era.offset) / DAY);
    const midnight = day * DAY - era.offset;
    this.#stretch = {
      start: Math.max(era.start, midnight),
      end: Math.min(era.end, midnight + DAY),
      day,
      date: dateText(day),
      offset: era.offset,
      midnight,
      times: minuteTextsAt(era.offset),
    };
    return this.#stretch;
  }

  /**
   * Returns the first instant of a local date. For a date that the zone skipped, it returns the first instant after that
   * date.
   */
  startOfDay(day: number): number {
    const wall = day * DAY;
    for (let era = this.#eraAt(wall - DAY); ; era = this.#eraAt(era.end)) {
      const start = Math.max(era.start, wall - era.offset);
      if (start < era.end) return start;
    }
  }

  /**
   * Returns the instant of a wall-clock time, given in ms as if it were UTC. A time in a gap moves forward; of two
   * instants, the first is returned.
   */
  instantAt(wall: number): number {
    let era = this.#eraAt(wall - DAY);
    for (let before = era.offset; ; before = era.offset, era = this.#eraAt(era.end)) {
      const ms = wall - era.offset;
      if (ms < era.end) return ms >= era.start ? ms : wall - before;
    }
  }

  #eraAt(ms: number): Era {
    if (this.#era !== undefined && ms >= this.#era.start && ms < this.#era.end) return this.#era;
    const year = new Date(ms).getUTCFullYear();
    let eras = this.#years.get(year);
    if (eras === undefined) {
      if (this.#years.size >= MAX_YEARS) this.#years.clear();
      eras = findEras(this.#offsetAt, Date.UTC(year, 0), Date.UTC(year + 1, 0));
      this.#years.set(year, eras);
    }
    const era = eras.find(({ end }) => ms < end);
    if (era === undefined) throw new RangeError('not an instant');
    this.#era = era;
    return era;
  }
}

/** Milliseconds. Since 1970, consecutive clock changes of a zone are at least 6.9 days apart. */
const PROBE_INTERVAL_MS = 5 * DAY;

function findEras(offsetAt: (ms: number) => number, from: number, until: number): Era[] {
  const eras: Era[] = [];
  let start = from;
  let offset = offsetAt(from);
  for (let at = from; at < until; at += PROBE_INTERVAL_MS) {
    const then = Math.min(at + PROBE_INTERVAL_MS, until);
    const next = offsetAt(then);
    if (next === offset) continue;
    const end = findClockChange(offsetAt, at, then);
    if (end > start) eras.push({ start, end, offset });
    start = end;
    offset = next;
  }
  if (start < until) eras.push({ start, end: until, offset });
  return eras;
}

/** Finds a clock change by binary search in steps of one second, because clocks change on whole seconds. */
function findClockChange(offsetAt: (ms: number) => number, before: number, after: number): number {
  const old = offsetAt(before);
  let low = before;
  let high = after;
  while (high - low > 1000) {
    const middle = low + Math.floor((high - low) / 2000) * 1000;
    if (offsetAt(middle) === old) low = middle;
    else high = middle;
  }
  return high;
}

const minuteTexts = new Map<number, readonly string[]>();
const MAX_TABLES = 64;

function minuteTextsAt(offset: number): readonly string[] {
  const cached = minuteTexts.get(offset);
  if (cached !== undefined) return cached;
  const suffix = offsetText(offset);
  // join() creates flat strings. Concatenation would create ropes that keep their parts in memory.
  const times = Array.from({ length: 1440 }, (_, minute) =>
    ['T', padTwoDigits(minute / 60), ':', padTwoDigits(minute % 60), ':00', suffix].join(''),
  );
  if (minuteTexts.size >= MAX_TABLES) minuteTexts.clear();
  minuteTexts.set(offset, times);
  return times;
}

const padTwoDigits = (n: number) => String(Math.trunc(n)).padStart(2, '0');

function offsetText(offset: number): string {
  const minutes = Math.abs(offset) / MINUTE;
  return `${offset < 0 ? '-' : '+'}${padTwoDigits(minutes / 60)}:${padTwoDigits(minutes % 60)}`;
}

const zones = new Map<string, Zone>();
const MAX_ZONES = 1024;

/** Returns the zone of an IANA name or a fixed offset such as `UTC+2`, or undefined if it does not exist. */
export function findZone(name: unknown): Zone | undefined {
  if (typeof name !== 'string') return undefined;
  const cached = zones.get(name);
  if (cached !== undefined) return cached;
  const zone = createZone(name);
  if (zone !== undefined) {
    if (zones.size >= MAX_ZONES) zones.clear();
    zones.set(name, zone);
  }
  return zone;
}

function createZone(name: string): Zone | undefined {
  const fixed = FixedOffsetZone.parseSpecifier(name);
  if (fixed !== null) {
    const minutes = fixed.offset(0);
    return Math.abs(minutes) < 1440 ? new Zone(() => minutes * MINUTE) : undefined;
  }
  // Newer engines accept a bare "+02:00". It is rejected, because the valid names must not depend on the engine.
  if (!/^[A-Za-z]/.test(name) || !IANAZone.isValidZone(name)) return undefined;
  const zone = IANAZone.create(new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone);
  // Before 1972, some offsets had seconds, which ISO 8601 cannot represent. They are truncated.
  return new Zone((ms) => Math.trunc(zone.offset(ms)) * MINUTE);
}
