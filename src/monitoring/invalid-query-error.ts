/** A parameter of a query is invalid. */
export class InvalidQueryError extends Error {
  override readonly name = 'InvalidQueryError';
  /** The parameter. */
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(`${path}: ${reason}`);
    this.path = path;
    this.reason = reason;
  }
}
