// Local time of one address: which date an instant falls on, and the contract's written form of it.
// Contract: Hosts. luxon owns the zone data; nothing here is shared with the rest of the project, on purpose.
import { DateTime, Info } from 'luxon';

const WRITTEN = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})([+-])(\d{2}):?(\d{2})$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** Clocks change at full quarters of an hour, so an offset holds for one; asking the zone each time is slow. */
const QUARTER_HOUR_MS = 15 * 60_000;
const LARGEST_OFFSET_MS = 14 * 60 * 60_000;
const MAX_REMEMBERED = 100_000;

export interface LocalZone {
  readonly name: string;
  /** The local date of an instant, `2026-11-16`. */
  dateOf(instant: number): string;
  /** `2026-11-16T10:00:00+01:00` */
  format(instant: number): string;
}

const known = new Map<string, LocalZone>();

/** Undefined for a name that is no IANA zone and no fixed offset such as `UTC+2`. */
export function findZone(name: string): LocalZone | undefined {
  const before = known.get(name);
  if (before !== undefined) return before;
  const zone = Info.normalizeZone(name);
  if (!zone.isValid) return undefined;

  const offsets = new Map<number, number>();
  const offsetAt = (instant: number): number => {
    const quarter = Math.floor(instant / QUARTER_HOUR_MS);
    const before = offsets.get(quarter);
    if (before !== undefined) return before;
    const offset = zone.offset(instant);
    if (offsets.size >= MAX_REMEMBERED) offsets.clear();
    offsets.set(quarter, offset);
    return offset;
  };
  const shifted = (instant: number) => new Date(instant + offsetAt(instant) * 60_000).toISOString();
  const local: LocalZone = {
    name,
    dateOf: (instant) => shifted(instant).slice(0, 10),
    format: (instant) => shifted(instant).slice(0, 19) + written(offsetAt(instant)),
  };
  known.set(name, local);
  return local;
}

export function zoneNamed(name: string): LocalZone {
  const zone = findZone(name);
  if (zone === undefined) throw new RangeError(`timeZone: "${name}" is no IANA zone and no fixed offset`);
  return zone;
}

/**
 * Epoch milliseconds of an instant in the API's form: seconds, and an offset with a colon (`+01:00`) or, as on older
 * pages, without (`+0100`). Anything else, a fraction or a `Z` included, is undefined.
 */
export function parseWritten(text: string): number | undefined {
  const [, wallClock, sign, hours, minutes] = WRITTEN.exec(text) ?? [];
  if (wallClock === undefined) return undefined;
  const asUtc = Date.parse(`${wallClock}Z`);
  // Date reads February 30 as March 2; the contract's server does not.
  if (Number.isNaN(asUtc) || new Date(asUtc).toISOString().slice(0, 19) !== wallClock) return undefined;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
  if (Number(minutes) > 59 || offset > LARGEST_OFFSET_MS) return undefined;
  return sign === '-' ? asUtc + offset : asUtc - offset;
}

/** Epoch milliseconds of any ISO 8601 instant that has an offset; for those who operate the sandbox. */
export function parseInstant(text: string): number | undefined {
  if (!/T.*(?:Z|[+-]\d{2}(?::?\d{2})?)$/i.test(text)) return undefined;
  const read = DateTime.fromISO(text, { zone: 'utc' });
  return read.isValid ? read.toMillis() : undefined;
}

/** `+01:00` of 60 minutes. */
function written(offset: number): string {
  const minutes = Math.abs(offset);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

export function isDate(text: string): boolean {
  return DATE.test(text) && DateTime.fromISO(text, { zone: 'utc' }).isValid;
}
