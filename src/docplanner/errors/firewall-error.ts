// An HTML 403 or 405: the firewall before the API took the client for a bot. The request never reached the API.

import { DocplannerError, type ErrorContext, type ErrorDetails } from './docplanner-error.js';

/** Contract: Limits, Errors. Every further request makes it worse: the whole account should pause. */
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
