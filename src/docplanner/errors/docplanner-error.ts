// The base of every error that the marketplace's client throws: which account, which operation, what was answered.

import { MAX_SHOWN, truncate } from '../../lib/text-filter.js';

/** What was being asked. `path` has neither query nor body in it, so an error never carries patient data or secrets. */
export interface ErrorContext {
  readonly account: string;
  /** The client's method, such as `replaceSlots`, or `tokenOperation`. */
  readonly operation: string;
  readonly method: string;
  readonly path: string;
}

/** Asking for a token, which no method of the client does by itself. */
export const tokenOperation = 'token';

/** What came back, as far as it is known. Texts have gone through the text filter before they get here. */
export interface ErrorDetails {
  readonly status?: number | undefined;
  readonly marketplaceMessage?: string | undefined;
  readonly errors?: MarketplaceErrors | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** The marketplace's `errors`: reasons by the name of what is wrong, such as `slots[1].end`; '' where it gave no name. */
export type MarketplaceErrors = Readonly<Record<string, readonly string[]>>;

/** Contract: Errors. Branch on the subclass; the marketplace has no machine-readable codes besides the status. */
export abstract class DocplannerError extends Error {
  abstract override readonly name: string;
  readonly account: string;
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  /** The HTTP status, where there was an answer. */
  readonly status?: number;
  /** The `message` of the marketplace's answer. */
  readonly marketplaceMessage?: string;
  readonly errors: MarketplaceErrors;
  /** How long to wait before asking again, in milliseconds, where the marketplace (or the client) said so. */
  readonly retryAfterMs?: number;
  /** True when the request may have taken effect although it failed: look before repeating it. */
  readonly mayHaveApplied: boolean = false;

  constructor(context: ErrorContext, what: string, details: ErrorDetails = {}) {
    super(
      `${context.account}: ${context.operation} (${context.method} ${context.path}) ${what}${said(details)}`,
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

function said({ marketplaceMessage, errors = {} }: ErrorDetails): string {
  const named = Object.entries(errors);
  const first = named
    .slice(0, 3)
    .map(([name, reasons]) => (name === '' ? reasons.join(', ') : `${name}: ${reasons.join(', ')}`));
  if (named.length > first.length) first.push(`and ${named.length - first.length} more`);
  const parts = [...(marketplaceMessage ? [marketplaceMessage] : []), ...first];
  return parts.length === 0 ? '' : `: ${truncate(parts.join('; '), MAX_SHOWN)}`;
}
