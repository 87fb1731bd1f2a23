// Local time of one address: which date an instant falls on, and the contract's written form of it.
// Contract: Hosts (instants). luxon owns the zone data; nothing here is shared with the rest of the project, on purpose.
import { DateTime, Info } from 'luxon';

const WRITTEN = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{2}:?\d{2}$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

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

  const shifted = (instant: number) => new Date(instant + zone.offset(instant) * 60_000).toISOString();
  const local: LocalZone = {
    name,
    dateOf: (instant) => shifted(instant).slice(0, 10),
    format: (instant) => shifted(instant).slice(0, 19) + zone.formatOffset(instant, 'short'),
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
  return WRITTEN.test(text) ? parse(text) : undefined;
}

/** Epoch milliseconds of any ISO 8601 instant that has an offset; for those who operate the sandbox. */
export function parseInstant(text: string): number | undefined {
  return /(?:Z|[+-]\d{2}(?::?\d{2})?)$/i.test(text) && text.includes('T') ? parse(text) : undefined;
}

function parse(text: string): number | undefined {
  const read = DateTime.fromISO(text, { zone: 'utc' });
  return read.isValid ? read.toMillis() : undefined;
}

export function isDate(text: string): boolean {
  return DATE.test(text) && DateTime.fromISO(text, { zone: 'utc' }).isValid;
}
