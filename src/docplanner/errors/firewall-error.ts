// An HTML 403 or 405: the firewall in front of the API treats the client as a bot. The request did not reach the API.

import { DocplannerError, type ErrorContext, type ErrorDetails } from './docplanner-error.js';

/** Contract: Limits, Errors. Further requests prolong the block, so the whole account should pause. */
export class FirewallError extends DocplannerError {
  override readonly name = 'FirewallError';

  constructor(context: ErrorContext, details: ErrorDetails) {
    super(
      context,
      `was stopped by the firewall (${details.status ?? 'HTML'}, a page instead of an answer)`,
      details,
    );
  }
}
