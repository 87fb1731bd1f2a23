// The base class of the marketplace client's errors, with the account, the operation and the answer.

import { MAX_SHOWN, truncate } from '../../lib/text-filter.js';

/** The request of an error. `path` has no query, so an error never contains patient data or secrets. */
export interface ErrorContext {
  readonly account: string;
  /** The client's method, such as `replaceSlots`, or `tokenOperation`. */
  readonly operation: string;
  readonly method: string;
  readonly path: string;
}

/** The operation of a token request, which is not a method of the client. */
export const tokenOperation = 'token';

/** The known parts of the answer. Their texts have passed the text filter. */
export interface ErrorDetails {
  readonly status?: number | undefined;
  readonly marketplaceMessage?: string | undefined;
  readonly errors?: MarketplaceErrors | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** The marketplace's `errors`: reasons by path, such as `slots[1].end`; '' for reasons without a path. */
export type MarketplaceErrors = Readonly<Record<string, readonly string[]>>;

/** Contract: Errors. Branch on the subclass; the marketplace has no machine-readable codes besides the status. */
export abstract class DocplannerError extends Error {
  abstract override readonly name: string;
  readonly account: string;
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  /** The HTTP status; absent without an answer. */
  readonly status?: number;
  /** The `message` of the marketplace's answer. */
  readonly marketplaceMessage?: string;
  readonly errors: MarketplaceErrors;
  /** The delay before a retry in milliseconds, if the marketplace (or the client) set one. */
  readonly retryAfterMs?: number;
  /** True when the request may have been applied although it failed: read the state before a retry. */
  readonly mayHaveApplied: boolean = false;

  constructor(context: ErrorContext, what: string, details: ErrorDetails = {}) {
    super(
      `${context.account}: ${context.operation} (${context.method} ${context.path}) ${what}${describeDetails(details)}`,
    );
    this.account = context.account;
    this.operation = context.operation;
    this.method = context.method;
    this.path = context.path;
    this.errors = details.errors ?? {};
    if (details.status !== undefined) this.status = details.status;
    if (details.marketplaceMessage !== undefined) this.marketplaceMessage = details.marketplaceMessage;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
  }
}

function describeDetails({ marketplaceMessage, errors = {} }: ErrorDetails): string {
  const named = Object.entries(errors);
  const first = named
    .slice(0, 3)
    .map(([name, reasons]) => (name === '' ? reasons.join(', ') : `${name}: ${reasons.join(', ')}`));
  if (named.length > first.length) first.push(`and ${named.length - first.length} more`);
  const parts = [...(marketplaceMessage ? [marketplaceMessage] : []), ...first];
  return parts.length === 0 ? '' : `: ${truncate(parts.join('; '), MAX_SHOWN)}`;
}
