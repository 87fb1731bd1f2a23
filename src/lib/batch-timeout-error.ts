/** A batch was not committed within its limit. It may be committed all the same, later. */
export class BatchTimeoutError extends Error {
  override readonly name = 'BatchTimeoutError';
  /** The system's code of a timeout: the database counts as unavailable. */
  readonly code = 'ETIMEDOUT';

  constructor(milliseconds: number) {
    super(`not committed within ${milliseconds} ms`);
  }
}
