/** Reads windows, intervals and numbers of any input, and says where something is wrong. */
import type { OpenWindow } from './availability.js';
import { requireInstant } from './civil.js';
import { readInstant } from './instant.js';
import type { Spans } from './intervals.js';
import { InvalidScheduleError } from './invalid-schedule-error.js';
import { isRecord } from './is-record.js';
import type { OfferReader } from './offers.js';
import type { Zone } from './zone.js';

/** @throws InvalidScheduleError at `windows` or below it */
export function readWindows(windows: unknown, zone: Zone | undefined, reader: OfferReader): OpenWindow[] {
  const open: OpenWindow[] = [];
  readEach(windows, 'windows', zone, (start, end, window, index) => {
    const offer = reader.read(window.services, window.insurance, index);
    open.push({ start, end, offer, index, given: window.services });
  });
  return open;
}

/** @throws InvalidScheduleError at `path` or below it */
export function readIntervals(intervals: unknown, path: string, zone: Zone | undefined): Spans {
  const spans: Spans = { starts: [], ends: [] };
  readEach(intervals, path, zone, (start, end) => {
    spans.starts.push(start);
    spans.ends.push(end);
  });
  return spans;
}

type Take = (start: number, end: number, interval: Readonly<Record<string, unknown>>, index: number) => void;

function readEach(list: unknown, path: string, zone: Zone | undefined, take: Take): void {
  if (!Array.isArray(list)) throw new InvalidScheduleError(path, 'must be a list');
  for (let i = 0; i < list.length; i++) {
    const interval: unknown = list[i];
    if (!isRecord(interval)) throw new InvalidScheduleError(`${path}[${i}]`, 'must be an object');
    const start = readInstant(interval.start, zone);
    const end = readInstant(interval.end, zone);
    if (!(start < end)) throw badInterval(interval, zone, `${path}[${i}]`);
    take(start, end, interval, i);
  }
}

function badInterval(interval: Readonly<Record<string, unknown>>, zone: Zone | undefined, path: string) {
  requireInstant(interval.start, zone, `${path}.start`);
  requireInstant(interval.end, zone, `${path}.end`);
  return new InvalidScheduleError(`${path}.end`, 'must be after the start');
}

/**
 * A whole number that is not below `least`; `fallback` where it is undefined.
 * @throws InvalidScheduleError at `path`
 */
export function readMinutes(value: unknown, least: number, fallback: number, path: string): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    throw new InvalidScheduleError(path, `must be a whole number of minutes, at least ${least}`);
  }
  return value;
}
