/** A batch was not committed within its limit. It may still be committed later. */
export class BatchTimeoutError extends Error {
  override readonly name = 'BatchTimeoutError';
  /** The system's code of a timeout: callers treat the database as unavailable. */
  readonly code = 'ETIMEDOUT';

  constructor(milliseconds: number) {
    super(`not committed within ${milliseconds} ms`);
  }
}
