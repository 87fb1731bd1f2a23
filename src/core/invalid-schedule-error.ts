/**
 * The only error type of the core: the schedule is invalid. It contains the path and the reason. It never contains the
 * invalid value, because the value may be personal data.
 */
export class InvalidScheduleError extends Error {
  override readonly name = 'InvalidScheduleError';

  /** The path in the input, such as `windows[0].services[1].duration`. */
  readonly path: string;

  /** The reason. It continues a sentence that begins with the path. */
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(`${path} ${reason}`);
    this.path = path;
    this.reason = reason;
  }
}
