/** Checks whether a requested booking fits the windows and the busy time, and computes its duration. Pure. */
import type { Span } from '../core/span.js';

export interface Offer extends Span {
  /** `duration` in minutes. */
  readonly services: readonly { readonly id: string; readonly duration: number }[];
}

export type Availability = 'free' | 'not-offered' | 'taken';

/**
 * @param service undefined stands for any one service that covers the whole booking
 * @param offers windows, in any order; they may overlap and touch
 * @param busy intervals that include the calendar's buffers
 */
export function availabilityOf(
  booking: Span,
  service: string | undefined,
  offers: readonly Offer[],
  busy: readonly Span[],
): Availability {
  const services = service === undefined ? servicesOf(offers) : [service];
  if (!services.some((one) => isCovered(booking, one, offers))) return 'not-offered';
  return busy.some((one) => one.start < booking.end && one.end > booking.start) ? 'taken' : 'free';
}

const servicesOf = (offers: readonly Offer[]): readonly string[] => [
  ...new Set(offers.flatMap(({ services }) => services.map(({ id }) => id))),
];

/** Windows that touch count as one where both offer the service. */
function isCovered(booking: Span, service: string, offers: readonly Offer[]): boolean {
  let coveredUntil = booking.start;
  const matching = offers
    .filter(({ services }) => services.some(isService(service)))
    .sort((a, b) => a.start - b.start);
  for (const { start, end } of matching) {
    if (start <= coveredUntil) coveredUntil = Math.max(coveredUntil, end);
  }
  return coveredUntil >= booking.end;
}

/**
 * The duration in minutes of a booking whose request contains neither an end nor a duration: the longest duration that the windows
 * around its start allow, and 0 where no window contains the start.
 */
export function durationOf(start: number, service: string | undefined, offers: readonly Offer[]): number {
  const durations = offers
    .filter((offer) => offer.start <= start && start < offer.end)
    .flatMap(({ services }) => services.filter(isService(service)).map(({ duration }) => duration));
  return Math.max(0, ...durations);
}

const isService =
  (service: string | undefined) =>
  ({ id }: { readonly id: string }): boolean =>
    service === undefined || id === service;
