/** An encryption key is unusable. The message states the reason and never contains key material. */
export class InvalidKeyError extends Error {
  override readonly name = 'InvalidKeyError';
  /** The reason, without the source of the key. */
  readonly reason: string;

  constructor(source: string, reason: string, options?: ErrorOptions) {
    super(`${source}: ${reason}`, options);
    this.reason = reason;
  }
}
