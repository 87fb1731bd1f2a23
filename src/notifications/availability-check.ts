/** Whether a visit can be had at a time, and for how long: the question that the marketplace asks before it books. Pure. */
import type { Span } from '../core/span.js';

export interface Offer extends Span {
  /** `duration` in minutes. */
  readonly services: readonly { readonly id: string; readonly duration: number }[];
}

export type Availability = 'free' | 'not-offered' | 'taken';

/**
 * @param service without one it is any, and the same for the whole visit
 * @param offers windows, in any order; they may overlap and touch
 * @param taken with the calendar's buffers around it
 */
export function availabilityOf(
  visit: Span,
  service: string | undefined,
  offers: readonly Offer[],
  taken: readonly Span[],
): Availability {
  const services = service === undefined ? servicesOf(offers) : [service];
  if (!services.some((one) => isCovered(visit, one, offers))) return 'not-offered';
  return taken.some((one) => one.start < visit.end && one.end > visit.start) ? 'taken' : 'free';
}

const servicesOf = (offers: readonly Offer[]): readonly string[] => [
  ...new Set(offers.flatMap(({ services }) => services.map(({ id }) => id))),
];

/** Windows that touch are one, where both offer the service. */
function isCovered(visit: Span, service: string, offers: readonly Offer[]): boolean {
  let covered = visit.start;
  const fitting = offers
    .filter(({ services }) => services.some(isOf(service)))
    .sort((a, b) => a.start - b.start);
  for (const { start, end } of fitting) if (start <= covered) covered = Math.max(covered, end);
  return covered >= visit.end;
}

/**
 * How long a visit that begins then takes, in minutes, where the question does not say: as long as the windows that cover its
 * beginning may make it, and 0 where none does.
 */
export function durationOf(start: number, service: string | undefined, offers: readonly Offer[]): number {
  const durations = offers
    .filter((offer) => offer.start <= start && start < offer.end)
    .flatMap(({ services }) => services.filter(isOf(service)).map(({ duration }) => duration));
  return Math.max(0, ...durations);
}

const isOf =
  (service: string | undefined) =>
  ({ id }: { readonly id: string }): boolean =>
    service === undefined || id === service;
