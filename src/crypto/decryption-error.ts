/** What was sealed has been changed since, belongs to another context, or never was a seal of ours. */
export class DecryptionError extends Error {
  override readonly name = 'BrokenSealError';

  constructor(reason: string, options?: ErrorOptions) {
    super(`a seal is broken: ${reason}`, options);
  }
}
