/** Every way to write a configuration was sent within the last minutes: it has to wait until one may be sent again. */
export class NoPayloadVariantError extends Error {
  override readonly name = 'NoFreshFormError';

  constructor() {
    super('every form of this configuration was sent within the last minutes');
  }
}
