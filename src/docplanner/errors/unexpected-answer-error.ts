// An answer that the contract does not know: a redirect, a page, an unreadable or oversized body, another status.

import { DocplannerError, type ErrorContext, type ErrorDetails } from './docplanner-error.js';

/** `mayHaveApplied` is true when the status said success and only the body could not be used. */
export class UnexpectedAnswerError extends DocplannerError {
  override readonly name = 'UnexpectedAnswerError';
  override readonly mayHaveApplied: boolean;

  constructor(context: ErrorContext, what: string, details: ErrorDetails = {}) {
    super(context, what, details);
    const { status } = details;
    this.mayHaveApplied = status !== undefined && status >= 200 && status < 300;
  }
}
