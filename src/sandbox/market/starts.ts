// How the marketplace cuts work periods into the starts a patient can choose. Contract: replaceSlots.
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

/** What holds throughout a work period. Many periods share one. */
export interface Terms {
  readonly services: readonly OfferedService[];
  readonly insurance: Insurance;
}

/** An entry of replaceSlots as it stands: never across local midnight, never without a service. */
export interface WorkPeriod extends Interval {
  readonly terms: Terms;
}

export interface BookableStart {
  readonly start: number;
  /** Address service ids, in the order they were offered. */
  readonly services: readonly string[];
}

export function overlaps(a: Interval, b: Interval): boolean {
  return a.start < b.end && b.start < a.end;
}

/**
 * One start per `duration` minutes of each service, or per greatest common divisor of the durations of all services of its
 * work period, counted from the beginning of the period, as long as the whole appointment fits in the period and touches
 * nothing that is taken. Ascending.
 */
export function cutStarts(
  periods: readonly WorkPeriod[],
  taken: readonly Interval[],
  cutting: Cutting,
): readonly BookableStart[] {
  const found = new Map<number, string[]>();
  for (const period of periods) {
    const inTheWay = taken.filter((one) => overlaps(one, period));
    const divisor = period.terms.services.map(({ duration }) => duration).reduce(greatestDivisor, 0);
    for (const service of period.terms.services) {
      const length = service.duration * 60_000;
      const step = cutting === 'divisor' ? divisor * 60_000 : length;
      for (let start = period.start; start + length <= period.end; start += step) {
        const appointment = { start, end: start + length };
        if (inTheWay.some((one) => overlaps(one, appointment))) continue;
        const services = found.get(start);
        if (services === undefined) found.set(start, [service.id]);
        else if (!services.includes(service.id)) services.push(service.id);
      }
    }
  }
  return [...found].map(([start, services]) => ({ start, services })).sort((a, b) => a.start - b.start);
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
