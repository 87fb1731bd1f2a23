/** Something was sealed with a key that is not among ours: a key was removed too early, or this is another's data. */
export class UnknownKeyError extends Error {
  override readonly name = 'SealedByUnknownKeyError';
  /** The id of the key that is missing, as 16 hexadecimal digits; it tells nothing of the key. */
  readonly keyId: string;

  constructor(keyId: string) {
    super(`sealed with the key ${keyId}, which is not among the encryption keys`);
    this.keyId = keyId;
  }
}
