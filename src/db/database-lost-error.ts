import { ServiceUnavailableError } from './service-unavailable-error.js';

/**
 * The embedded database has ended and does not come back in this process. Whether it has carried out what it was asked last
 * is not known.
 */
export class DatabaseLostError extends ServiceUnavailableError {
  override readonly name = 'DatabaseLostError';
  /** As of a server that did not answer. */
  readonly code = 'ETIMEDOUT';

  constructor(folder: string, reason: string) {
    super('the embedded database', folder, reason);
  }
}
