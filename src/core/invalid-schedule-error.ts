/**
 * The one error of the core: a schedule that cannot be understood. It names where and why, and never repeats the
 * value itself, which may be anything that a caller's system let through.
 */
export class InvalidScheduleError extends Error {
  override readonly name = 'InvalidScheduleError';

  /** Where in the input, such as `windows[0].services[1].duration`. */
  readonly path: string;

  /** What is wrong there, as the rest of a sentence that begins with the path. */
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(`${path} ${reason}`);
    this.path = path;
    this.reason = reason;
  }
}
