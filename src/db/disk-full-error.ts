import { ServiceUnavailableError } from './service-unavailable-error.js';

/** Nothing more is taken in: what is left of the disk is for finishing what was taken in before. */
export class DiskFullError extends ServiceUnavailableError {
  override readonly name = 'DiskFullError';
  /** SQLSTATE: disk full. */
  readonly code = '53100';

  constructor(folder: string, freeMb: number, neededMb: number) {
    super(
      'the embedded database',
      folder,
      `its disk has ${freeMb} MB left, and nothing is taken in below ${neededMb} MB: make room`,
    );
  }
}
