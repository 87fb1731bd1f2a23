// 5xx: the marketplace failed, which is rare and transient. The write may have been applied.

import { DocplannerError, type ErrorContext, type ErrorDetails } from './docplanner-error.js';

/** Contract: Errors. A gateway can time out on a request that is applied afterwards. */
export class ServerError extends DocplannerError {
  override readonly name = 'ServerError';
  override readonly mayHaveApplied = true;

  constructor(context: ErrorContext, details: ErrorDetails) {
    super(context, `failed at the marketplace with ${details.status ?? 'a 5xx'}`, details);
  }
}
