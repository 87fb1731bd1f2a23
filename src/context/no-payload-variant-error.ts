/** Every variant of a payload was sent within the duplicate window: the request waits until one may be sent again. */
export class NoPayloadVariantError extends Error {
  override readonly name = 'NoPayloadVariantError';

  constructor() {
    super('every variant of this payload was sent within the last minutes');
  }
}
