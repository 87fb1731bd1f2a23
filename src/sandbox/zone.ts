// The local time of an address: the date of an instant, and the contract's text format of instants. Contract: Hosts. luxon owns
// the zone data; this file shares no code with the rest of the project on purpose.
import { DateTime, Info } from 'luxon';

const API_INSTANT = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})([+-])(\d{2}):?(\d{2})$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** Offsets change only at full quarters of an hour, so an offset is cached per quarter; the lookup by luxon is slow. */
const QUARTER_HOUR_MS = 15 * 60_000;
const LARGEST_OFFSET_MS = 14 * 60 * 60_000;
const MAX_CACHED_OFFSETS = 100_000;

export interface LocalZone {
  readonly name: string;
  /** The local date of an instant, `2026-11-16`. */
  dateOf(instant: number): string;
  /** `2026-11-16T10:00:00+01:00` */
  format(instant: number): string;
}

const zones = new Map<string, LocalZone>();

/** Undefined for a name that is neither an IANA zone nor a fixed offset such as `UTC+2`. */
export function findZone(name: string): LocalZone | undefined {
  const cached = zones.get(name);
  if (cached !== undefined) return cached;
  const zone = Info.normalizeZone(name);
  if (!zone.isValid) return undefined;

  const offsets = new Map<number, number>();
  const offsetAt = (instant: number): number => {
    const quarter = Math.floor(instant / QUARTER_HOUR_MS);
    const cached = offsets.get(quarter);
    if (cached !== undefined) return cached;
    const offset = zone.offset(instant);
    if (offsets.size >= MAX_CACHED_OFFSETS) offsets.clear();
    offsets.set(quarter, offset);
    return offset;
  };
  const shifted = (instant: number) => new Date(instant + offsetAt(instant) * 60_000).toISOString();
  const local: LocalZone = {
    name,
    dateOf: (instant) => shifted(instant).slice(0, 10),
    format: (instant) => shifted(instant).slice(0, 19) + formatOffset(offsetAt(instant)),
  };
  zones.set(name, local);
  return local;
}

/** @throws RangeError for an unknown zone */
export function getZone(name: string): LocalZone {
  const zone = findZone(name);
  if (zone === undefined) throw new RangeError(`timeZone: "${name}" is no IANA zone and no fixed offset`);
  return zone;
}

/**
 * Epoch milliseconds of an instant in the API's format: seconds, and an offset with a colon (`+01:00`) or, as on older
 * pages, without (`+0100`). Undefined for any other format, including a fraction or `Z`.
 */
export function parseApiInstant(text: string): number | undefined {
  const [, wallClock, sign, hours, minutes] = API_INSTANT.exec(text) ?? [];
  if (wallClock === undefined) return undefined;
  const asUtc = Date.parse(`${wallClock}Z`);
  // Date parses February 30 as March 2; the contract's server refuses it.
  if (Number.isNaN(asUtc) || new Date(asUtc).toISOString().slice(0, 19) !== wallClock) return undefined;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
  if (Number(minutes) > 59 || offset > LARGEST_OFFSET_MS) return undefined;
  return sign === '-' ? asUtc + offset : asUtc - offset;
}

/** Epoch milliseconds of any ISO 8601 instant with an offset; for the input of the controls. */
export function parseInstant(text: string): number | undefined {
  if (!/T.*(?:Z|[+-]\d{2}(?::?\d{2})?)$/i.test(text)) return undefined;
  const parsed = DateTime.fromISO(text, { zone: 'utc' });
  return parsed.isValid ? parsed.toMillis() : undefined;
}

/** 60 minutes are `+01:00`. */
function formatOffset(offset: number): string {
  const minutes = Math.abs(offset);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

export function isDate(text: string): boolean {
  return DATE.test(text) && DateTime.fromISO(text, { zone: 'utc' }).isValid;
}
