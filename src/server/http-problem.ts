/** Why something that was asked of the marketplace at once was not done: a status to answer with, and the reason. */

import { BookingNotVisibleError } from '../context/booking-not-visible-error.js';
import { CalendarBusyError } from '../context/calendar-busy-error.js';
import { permanentRefusalStatus } from '../context/classify-error.js';
import { LeaseLostError } from '../context/lease-lost-error.js';
import { DocplannerError } from '../docplanner/index.js';
import { BookingEndedError } from '../linked-bookings/booking-ended-error.js';
import { PlaceholderError } from '../linked-bookings/placeholder-error.js';
import { RateLimitError } from '../rate-limit/rate-limit-error.js';

export interface Refusal {
  readonly status: number;
  readonly title?: string;
  readonly detail: string;
  readonly errors?: readonly { readonly path: string; readonly reason: string }[];
}

/** @returns undefined for what is not the marketplace's doing */
export function describeProblem(error: unknown): Refusal | undefined {
  if (error instanceof BookingEndedError) return { status: 409, detail: error.message };
  if (error instanceof PlaceholderError) {
    return { status: 409, title: "It is no patient's booking", detail: error.message };
  }
  if (
    error instanceof RateLimitError ||
    error instanceof CalendarBusyError ||
    error instanceof LeaseLostError ||
    error instanceof BookingNotVisibleError
  ) {
    return { status: 503, title: 'Ask again', detail: error.message };
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
  const title = 'The marketplace cannot be asked just now';
  const detail = error.mayHaveApplied
    ? `${error.message}; whether it was done is not known: ask again, it is not done twice`
    : error.message;
  return { status: 502, title, detail };
}
