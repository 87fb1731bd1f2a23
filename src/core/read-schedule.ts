/** Parses windows, intervals and numbers of untrusted input. Errors contain the path of the invalid field. */
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
  const list = requireList(windows, 'windows');
  const open: OpenWindow[] = [];
  for (let i = 0; i < list.length; i++) {
    const window = requireRecord(list, i, 'windows');
    const start = readInstant(window.start, zone);
    const end = readInstant(window.end, zone);
    if (!(start < end)) throw intervalError(window, zone, `windows[${i}]`);
    const offer = reader.read(window.services, window.insurance, i);
    open.push({ start, end, offer, index: i, given: window.services });
  }
  return open;
}

/**
 * Parses intervals. The loop is separate from that of {@link readWindows}, because V8 compiles faster property reads for
 * objects of one shape.
 * @throws InvalidScheduleError at `path` or below it
 */
export function readIntervals(intervals: unknown, path: string, zone: Zone | undefined): Spans {
  const list = requireList(intervals, path);
  const spans: Spans = { starts: [], ends: [] };
  for (let i = 0; i < list.length; i++) {
    const interval = requireRecord(list, i, path);
    const start = readInstant(interval.start, zone);
    const end = readInstant(interval.end, zone);
    if (!(start < end)) throw intervalError(interval, zone, `${path}[${i}]`);
    spans.starts.push(start);
    spans.ends.push(end);
  }
  return spans;
}

function requireList(list: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(list)) throw new InvalidScheduleError(path, 'must be a list');
  return list;
}

function requireRecord(list: readonly unknown[], i: number, path: string): Readonly<Record<string, unknown>> {
  const value = list[i];
  if (!isRecord(value)) throw new InvalidScheduleError(`${path}[${i}]`, 'must be an object');
  return value;
}

function intervalError(interval: Readonly<Record<string, unknown>>, zone: Zone | undefined, path: string) {
  requireInstant(interval.start, zone, `${path}.start`);
  requireInstant(interval.end, zone, `${path}.end`);
  return new InvalidScheduleError(`${path}.end`, 'must be after the start');
}

/**
 * Returns a whole number of at least `least`, or `fallback` if the value is undefined.
 * @throws InvalidScheduleError at `path`
 */
export function readMinutes(value: unknown, least: number, fallback: number, path: string): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    throw new InvalidScheduleError(path, `must be a whole number of minutes, at least ${least}`);
  }
  return value;
}
