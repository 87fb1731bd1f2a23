/** What a failed request means: wait, try again, give the calendar up, or keep the whole account silent. */
import { InvalidScheduleError } from '../core/index.js';
import {
  ConnectionError,
  DocplannerError,
  FirewallError,
  RateLimitedError,
  ServerError,
  TokenUnavailableError,
  UnauthorizedError,
} from '../docplanner/index.js';
import { RateLimitError } from '../rate-limit/rate-limit-error.js';
import { BookingNotVisibleError } from './booking-not-visible-error.js';
import { NoPayloadVariantError } from './no-payload-variant-error.js';
import { statusOfRefusal } from './permanent-refusal.js';
import { StillOnSaleError } from './still-on-sale-error.js';

export type Failure =
  /** Nobody's fault; it goes on then, as urgently as what it was that had to wait. */
  | { readonly kind: 'wait'; readonly afterMs: number; readonly priority?: number; readonly reason: string }
  /** Transient: with backoff, without end, but visibly. */
  | {
      readonly kind: 'retry';
      readonly afterMs?: number;
      readonly reason: string;
      /** Why nothing of the account is accepted, where that is what it is: a person has to act. */
      readonly refusal?: string;
    }
  /** Asking again at once would come to the same: the calendar has failed, and is tried again after a pause that grows. */
  | { readonly kind: 'give-up'; readonly reason: string }
  /** The firewall took the account for a bot. */
  | { readonly kind: 'firewall'; readonly reason: string }
  /** Not the marketplace's doing. */
  | { readonly kind: 'unknown' };

/** Where the marketplace says 429 and not until when. */
const UNSAID_WAIT_MS = 30_000;

/**
 * Contract: Errors.
 * @param now epoch milliseconds
 */
export function classifyError(error: unknown, now: number): Failure {
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
    return { kind: 'retry', reason: error.message };
  }
  if (!(error instanceof DocplannerError)) return { kind: 'unknown' };
  const reason = error.message;
  if (error instanceof TokenUnavailableError && error.cause instanceof FirewallError) {
    return { kind: 'firewall', reason };
  }
  if (error instanceof FirewallError) return { kind: 'firewall', reason };
  if (statusOfRefusal(error) !== undefined) return { kind: 'give-up', reason };
  const { retryAfterMs } = error;
  if (error instanceof RateLimitedError) {
    return { kind: 'wait', afterMs: retryAfterMs ?? UNSAID_WAIT_MS, reason };
  }
  const refusal = refusalOfAccount(error);
  return {
    kind: 'retry',
    ...(retryAfterMs === undefined ? {} : { afterMs: retryAfterMs }),
    reason,
    ...(refusal === undefined ? {} : { refusal }),
  };
}

/** Contract: Authorization. A token endpoint that is away or asks for patience has refused nothing. */
function refusalOfAccount(error: DocplannerError): string | undefined {
  if (error instanceof UnauthorizedError) return error.message;
  if (!(error instanceof TokenUnavailableError)) return undefined;
  const { cause } = error;
  const isPassing =
    cause instanceof ConnectionError || cause instanceof ServerError || cause instanceof RateLimitedError;
  return isPassing ? undefined : cause.message;
}

/** Why a calendar as a whole cannot be published; undefined where the error is none that asking again would meet again. */
export function classifyCalendarRefusal(error: unknown, now: number): string | undefined {
  if (error instanceof InvalidScheduleError) return `${error.path}: ${error.reason}`;
  const failure = classifyError(error, now);
  return failure.kind === 'give-up' ? failure.reason : undefined;
}
