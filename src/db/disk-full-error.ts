import { ServiceUnavailableError } from './service-unavailable-error.js';

/** New input is refused: the rest of the disk is reserved for processing the input that was accepted before. */
export class DiskFullError extends ServiceUnavailableError {
  override readonly name = 'DiskFullError';
  /** SQLSTATE: disk full. */
  readonly code = '53100';

  constructor(folder: string, freeMb: number, neededMb: number) {
    super(
      'the embedded database',
      folder,
      `its disk has ${freeMb} MB left, and input is refused below ${neededMb} MB: free disk space`,
    );
  }
}
