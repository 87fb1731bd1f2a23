// An answer that is not in the contract: a redirect, a page, an invalid or oversized body, another status.

import { DocplannerError, type ErrorContext, type ErrorDetails } from './docplanner-error.js';

/** `mayHaveApplied` is true when the status is a success and only the body is unusable. */
export class UnexpectedAnswerError extends DocplannerError {
  override readonly name = 'UnexpectedAnswerError';
  override readonly mayHaveApplied: boolean;

  constructor(context: ErrorContext, what: string, details: ErrorDetails = {}) {
    super(context, what, details);
    const { status } = details;
    this.mayHaveApplied = status !== undefined && status >= 200 && status < 300;
  }
}
