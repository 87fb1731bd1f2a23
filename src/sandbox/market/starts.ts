// How the marketplace cuts work periods into the starts a patient can choose. Contract: replaceSlots.

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
 * One start per `duration` minutes of each service, counted from the beginning of its work period, as long as the whole
 * appointment fits in the period and touches nothing that is taken. Ascending.
 */
export function cutStarts(
  periods: readonly WorkPeriod[],
  taken: readonly Interval[],
): readonly BookableStart[] {
  const found = new Map<number, string[]>();
  for (const period of periods) {
    const inTheWay = taken.filter((one) => overlaps(one, period));
    for (const service of period.terms.services) {
      const length = service.duration * 60_000;
      for (let start = period.start; start + length <= period.end; start += length) {
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
