// 5xx: the marketplace failed; rare and transient. A write behind it may have been carried out.

import { DocplannerError, type ErrorContext, type ErrorDetails } from './docplanner-error.js';

/** Contract: Errors. A gateway may give up on a request that is then still carried out. */
export class ServerError extends DocplannerError {
  override readonly name = 'ServerError';
  override readonly mayHaveApplied = true;

  constructor(context: ErrorContext, details: ErrorDetails) {
    super(context, `failed at the marketplace with ${details.status ?? 'a 5xx'}`, details);
  }
}
