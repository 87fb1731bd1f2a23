/** A key for encryption that cannot be used. It says what is wrong with it, and nothing of the key. */
export class InvalidKeyError extends Error {
  override readonly name = 'UnreadableKeyError';
  /** What is wrong, to be put behind the name of where the key came from. */
  readonly reason: string;

  constructor(source: string, reason: string, options?: ErrorOptions) {
    super(`${source}: ${reason}`, options);
    this.reason = reason;
  }
}
