import { ServiceUnavailableError } from './service-unavailable-error.js';

/**
 * The embedded database has ended, and this process cannot open it again. Whether the last statements were executed is
 * unknown.
 */
export class DatabaseLostError extends ServiceUnavailableError {
  override readonly name = 'DatabaseLostError';
  /** The code of a server that did not answer. */
  readonly code = 'ETIMEDOUT';

  constructor(folder: string, reason: string) {
    super('the embedded database', folder, reason);
  }
}
