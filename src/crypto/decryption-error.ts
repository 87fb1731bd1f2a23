/** The ciphertext is malformed, was modified, or belongs to another context. */
export class DecryptionError extends Error {
  override readonly name = 'DecryptionError';

  constructor(reason: string, options?: ErrorOptions) {
    super(`decryption failed: ${reason}`, options);
  }
}
