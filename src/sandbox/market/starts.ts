// Cuts work periods into the starts that a patient can book. Contract: replaceSlots.
import type { Cutting } from '../seed.js';

/** Half-open, epoch milliseconds. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

export interface OfferedService {
  readonly id: string;
  /** Minutes. */
  readonly duration: number;
}

export interface Insurance {
  readonly accepted: 'with-and-without-insurance' | 'without-insurance-only' | 'with-insurance-only';
  readonly providers: readonly string[];
  readonly plans: readonly string[];
}

/** The terms of a whole work period. Many periods share one object. */
export interface PeriodTerms {
  readonly services: readonly OfferedService[];
  readonly insurance: Insurance;
}

/** A stored entry of replaceSlots: it never crosses local midnight and has at least one service. */
export interface WorkPeriod extends Interval {
  readonly terms: PeriodTerms;
}

export interface BookableStart {
  readonly start: number;
  /** Address service ids in the order of the offer. */
  readonly services: readonly string[];
}

export function overlaps(a: Interval, b: Interval): boolean {
  return a.start < b.end && b.start < a.end;
}

/**
 * Starts of each service, ascending. The step is the service's duration, or the greatest common divisor of the durations of all
 * services of the work period, counted from the beginning of the period. The whole appointment must fit in the period and overlap
 * no busy interval.
 */
export function cutStarts(
  periods: readonly WorkPeriod[],
  busy: readonly Interval[],
  cutting: Cutting,
): readonly BookableStart[] {
  const found = new Map<number, string[]>();
  for (const period of periods) {
    const conflicts = busy.filter((one) => overlaps(one, period));
    const divisor = period.terms.services.map(({ duration }) => duration).reduce(greatestCommonDivisor, 0);
    for (const service of period.terms.services) {
      const length = service.duration * 60_000;
      const step = cutting === 'divisor' ? divisor * 60_000 : length;
      for (let start = period.start; start + length <= period.end; start += step) {
        const appointment = { start, end: start + length };
        if (conflicts.some((one) => overlaps(one, appointment))) continue;
        const services = found.get(start);
        if (services === undefined) found.set(start, [service.id]);
        else if (!services.includes(service.id)) services.push(service.id);
      }
    }
  }
  return [...found].map(([start, services]) => ({ start, services })).sort((a, b) => a.start - b.start);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
