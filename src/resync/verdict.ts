/**
 * What it means for a comparison that the marketplace refused it or had no answer, for whoever compares. It is judged like
 * any other request (failure.ts); only that what would be refused again is no failure of the calendar. Contract: Errors.
 */

import { classifyError } from '../context/classify-error.js';
import { InvalidScheduleError } from '../core/index.js';
import {
  ConflictError,
  InvalidRequestError,
  TokenUnavailableError,
  UnauthorizedError,
} from '../docplanner/index.js';

export type Verdict =
  /** It would be refused again. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** There was no answer this time. */
  | { readonly kind: 'no-answer'; readonly reason: string; readonly notBeforeMs: number }
  /** A budget is spent; nobody's failure. */
  | { readonly kind: 'wait'; readonly reason: string; readonly afterMs: number }
  /** It concerns the whole account, or is none of the marketplace's doing. */
  | { readonly kind: 'not-ours' };

/** @param now epoch milliseconds */
export function verdictOf(error: unknown, now: number): Verdict {
  if (error instanceof InvalidScheduleError) {
    return { kind: 'refused', reason: `${error.path}: ${error.reason}` };
  }
  if (error instanceof InvalidRequestError || error instanceof ConflictError) {
    return { kind: 'refused', reason: error.message };
  }
  // Without a token nothing of the account can be asked, its publishing included.
  if (error instanceof UnauthorizedError || error instanceof TokenUnavailableError) return NOT_OURS;
  const failure = classifyError(error, now);
  switch (failure.kind) {
    case 'give-up':
      return { kind: 'refused', reason: failure.reason };
    case 'retry':
      return { kind: 'no-answer', reason: failure.reason, notBeforeMs: failure.afterMs ?? 0 };
    case 'wait':
      return failure;
    case 'firewall':
    case 'unknown':
      return NOT_OURS;
  }
}

const NOT_OURS = { kind: 'not-ours' } as const;
