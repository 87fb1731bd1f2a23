/** Classifies the error of a marketplace request: wait, retry, fail permanently, or pause the whole account. Contract: Errors. */
import { InvalidScheduleError } from '../core/index.js';
import {
  ConflictError,
  ConnectionError,
  DocplannerError,
  FirewallError,
  ForbiddenError,
  InvalidRequestError,
  NotFoundError,
  RateLimitedError,
  ServerError,
  TokenUnavailableError,
  UnauthorizedError,
  UnprocessableError,
} from '../docplanner/index.js';
import { RateLimitError } from '../rate-limit/rate-limit-error.js';
import { BookingNotVisibleError } from './booking-not-visible-error.js';
import { NoPayloadVariantError } from './no-payload-variant-error.js';
import { StillOnSaleError } from './still-on-sale-error.js';

export type ErrorClass =
  /** No failure: the request is sent after this delay, with the priority of the work that had to wait. */
  | { readonly kind: 'wait'; readonly afterMs: number; readonly priority?: number; readonly reason: string }
  /** Transient: retried with backoff and without an end; the failure is visible meanwhile. */
  | {
      readonly kind: 'retry';
      readonly afterMs?: number;
      readonly reason: string;
      /** Whether no request of the account succeeds without a token, or only this request failed. */
      readonly scope: 'account' | 'request';
      /** Why the marketplace rejects every request of the account, where it does: a person has to act. */
      readonly accountRefusal?: string;
    }
  /** The same request would be refused again. */
  | { readonly kind: 'permanent'; readonly reason: string }
  /** The firewall takes the account for a bot. */
  | { readonly kind: 'firewall'; readonly reason: string }
  /** The error does not come from the marketplace. */
  | { readonly kind: 'unknown' };

/** Where a 429 states no `Retry-After`. */
const DEFAULT_WAIT_MS = 30_000;

const PERMANENT_REFUSALS = [
  [InvalidRequestError, 400],
  [ForbiddenError, 403],
  [NotFoundError, 404],
  [ConflictError, 409],
  [UnprocessableError, 422],
] as const;

/** @param now epoch milliseconds */
export function classifyError(error: unknown, now: number): ErrorClass {
  if (error instanceof RateLimitError) {
    const { until, priority, message: reason } = error;
    const afterMs = Math.max(0, until - now);
    return { kind: 'wait', afterMs, ...(priority === undefined ? {} : { priority }), reason };
  }
  if (
    error instanceof NoPayloadVariantError ||
    error instanceof BookingNotVisibleError ||
    error instanceof StillOnSaleError
  ) {
    return { kind: 'retry', reason: error.message, scope: 'request' };
  }
  if (!(error instanceof DocplannerError)) return { kind: 'unknown' };
  const { message: reason, retryAfterMs } = error;
  const isBlocked =
    error instanceof FirewallError ||
    (error instanceof TokenUnavailableError && error.cause instanceof FirewallError);
  if (isBlocked) return { kind: 'firewall', reason };
  if (permanentRefusalStatus(error) !== undefined) return { kind: 'permanent', reason };
  if (error instanceof RateLimitedError) {
    return { kind: 'wait', afterMs: retryAfterMs ?? DEFAULT_WAIT_MS, reason };
  }
  const accountRefusal = findAccountRefusal(error);
  return {
    kind: 'retry',
    ...(retryAfterMs === undefined ? {} : { afterMs: retryAfterMs }),
    reason,
    scope:
      error instanceof UnauthorizedError || error instanceof TokenUnavailableError ? 'account' : 'request',
    ...(accountRefusal === undefined ? {} : { accountRefusal }),
  };
}

/** Whether the marketplace refused one request for good. */
export const isPermanentRefusal = (error: unknown): error is DocplannerError =>
  permanentRefusalStatus(error) !== undefined;

/** @returns the HTTP status of a permanent refusal; undefined for every other error */
export const permanentRefusalStatus = (error: unknown): number | undefined =>
  PERMANENT_REFUSALS.find(([kind]) => error instanceof kind)?.[1];

/** @returns why the request would be refused again, an invalid schedule included; undefined for every other error */
export function findPermanentReason(error: unknown): string | undefined {
  if (error instanceof InvalidScheduleError) return `${error.path}: ${error.reason}`;
  return isPermanentRefusal(error) ? error.message : undefined;
}

/** A token endpoint that is unavailable or rate limited has not refused the account. Contract: Authorization. */
function findAccountRefusal(error: DocplannerError): string | undefined {
  if (error instanceof UnauthorizedError) return error.message;
  if (!(error instanceof TokenUnavailableError)) return undefined;
  const { cause } = error;
  const isTransient =
    cause instanceof ConnectionError || cause instanceof ServerError || cause instanceof RateLimitedError;
  return isTransient ? undefined : cause.message;
}
