/** Something was to be sealed, and there is no key. */
export class NoKeyError extends Error {
  override readonly name = 'NoKeyError';

  constructor() {
    super('there is no encryption key: set SLOTKEEPER_ENCRYPTION_KEY');
  }
}
