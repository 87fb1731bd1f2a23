/** An occupancy event that cannot be read. `reason` begins with the path of what is wrong. */
export class InvalidEventError extends Error {
  override readonly name = 'InvalidEventError';
  /** Its place in the call, from 0. */
  readonly index: number;
  readonly reason: string;

  constructor(index: number, reason: string) {
    super(`events[${index}]: ${reason}`);
    this.index = index;
    this.reason = reason;
  }
}
