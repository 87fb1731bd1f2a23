/** A ciphertext's key is not configured: the key was removed too early, or the data belongs to another installation. */
export class UnknownKeyError extends Error {
  override readonly name = 'UnknownKeyError';
  /** The id of the key that is missing, as 16 hexadecimal digits; the key cannot be derived from it. */
  readonly keyId: string;

  constructor(keyId: string) {
    super(`encrypted with the key ${keyId}, which is not among the encryption keys`);
    this.keyId = keyId;
  }
}
