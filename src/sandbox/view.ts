// Formats a calendar's bookable starts and work periods for the controls.

import { type InstantLike, SandboxInputError, toInstant } from './input.js';
import type { Calendar } from './market/calendar.js';
import type { Insurance, Interval } from './market/starts.js';

/** A start that a patient can book. */
export interface PatientStart {
  /** `2026-11-16T10:00:00+01:00`, in the address's zone. */
  readonly start: string;
  /** Address service ids. */
  readonly services: readonly string[];
}

/** A current work period. */
export interface ListedWorkPeriod {
  readonly start: string;
  readonly end: string;
  readonly services: readonly { readonly id: string; readonly duration: number }[];
  readonly insurance: Insurance;
}

/** @throws SandboxInputError */
export function toRange(from: InstantLike, to: InstantLike): Interval {
  const range = { start: toInstant(from, 'from'), end: toInstant(to, 'to') };
  if (range.end <= range.start) throw new SandboxInputError('to', 'is not later than from');
  return range;
}

export function listPatientStarts(calendar: Calendar, range: Interval, now: number): readonly PatientStart[] {
  return calendar
    .listStarts(range, now)
    .map(({ start, services }) => ({ start: calendar.zone.format(start), services }));
}

export function listWorkPeriods(calendar: Calendar, range: Interval): readonly ListedWorkPeriod[] {
  return calendar.schedule.periodsIn(range).map(({ start, end, terms }) => ({
    start: calendar.zone.format(start),
    end: calendar.zone.format(end),
    services: terms.services,
    insurance: terms.insurance,
  }));
}
