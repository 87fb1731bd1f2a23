/** Maps an error of an immediate marketplace request to an HTTP status and a reason. */

import { BookingNotVisibleError } from '../context/booking-not-visible-error.js';
import { CalendarBusyError } from '../context/calendar-busy-error.js';
import { permanentRefusalStatus } from '../context/classify-error.js';
import { LeaseLostError } from '../context/lease-lost-error.js';
import { DocplannerError } from '../docplanner/index.js';
import { BookingEndedError } from '../linked-bookings/booking-ended-error.js';
import { PlaceholderError } from '../linked-bookings/placeholder-error.js';
import { RateLimitError } from '../rate-limit/rate-limit-error.js';

export interface MarketplaceProblem {
  readonly status: number;
  readonly title?: string;
  readonly detail: string;
  readonly errors?: readonly { readonly path: string; readonly reason: string }[];
}

/** @returns undefined for an error that the marketplace or its rate limit did not cause */
export function describeProblem(error: unknown): MarketplaceProblem | undefined {
  if (error instanceof BookingEndedError) return { status: 409, detail: error.message };
  if (error instanceof PlaceholderError) {
    return { status: 409, title: 'The booking is a placeholder', detail: error.message };
  }
  if (
    error instanceof RateLimitError ||
    error instanceof CalendarBusyError ||
    error instanceof LeaseLostError ||
    error instanceof BookingNotVisibleError
  ) {
    return { status: 503, title: 'Retry later', detail: error.message };
  }
  if (!(error instanceof DocplannerError)) return undefined;
  const status = permanentRefusalStatus(error);
  const errors = Object.entries(error.errors).flatMap(([path, reasons]) =>
    reasons.map((reason) => ({ path, reason })),
  );
  if (status !== undefined) {
    const detail = error.marketplaceMessage ?? error.message;
    return { status, detail, ...(errors.length > 0 ? { errors } : {}) };
  }
  const title = 'The marketplace is unavailable';
  const detail = error.mayHaveApplied
    ? `${error.message}; the outcome is unknown: send the request again, it is not applied twice`
    : error.message;
  return { status: 502, title, detail };
}
