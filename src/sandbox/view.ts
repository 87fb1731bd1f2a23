// What the sandbox shows of itself to those who operate it.

import { type InstantLike, SandboxInputError, toInstant } from './input.js';
import type { Calendar } from './market/calendar.js';
import type { Insurance, Interval } from './market/starts.js';

/** A start that a patient can choose. */
export interface PatientStart {
  /** `2026-11-16T10:00:00+01:00`, in the address's zone. */
  readonly start: string;
  /** Address service ids. */
  readonly services: readonly string[];
}

/** A work period as it stands. */
export interface StandingPeriod {
  readonly start: string;
  readonly end: string;
  readonly services: readonly { readonly id: string; readonly duration: number }[];
  readonly insurance: Insurance;
}

export function rangeOf(from: InstantLike, to: InstantLike): Interval {
  const range = { start: toInstant(from, 'from'), end: toInstant(to, 'to') };
  if (range.end <= range.start) throw new SandboxInputError('to', 'is not later than from');
  return range;
}

export function patientView(calendar: Calendar, range: Interval, now: number): readonly PatientStart[] {
  return calendar
    .starts(range, now)
    .map(({ start, services }) => ({ start: calendar.zone.format(start), services }));
}

export function standingPeriods(calendar: Calendar, range: Interval): readonly StandingPeriod[] {
  return calendar.schedule.between(range).map(({ start, end, terms }) => ({
    start: calendar.zone.format(start),
    end: calendar.zone.format(end),
    services: terms.services,
    insurance: terms.insurance,
  }));
}
