/** The record did not answer within the time that the marketplace is willing to wait. */
export class TookTooLongError extends Error {
  override readonly name = 'TookTooLongError';
  /** The system's, so that it counts as a record that is away. */
  readonly code = 'ETIMEDOUT';

  constructor(milliseconds: number) {
    super(`not committed within ${milliseconds} ms`);
  }
}
