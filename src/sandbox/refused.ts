/** The marketplace does not allow it now: the start is taken, the booking is over, the clinic denied it. */
export class SandboxRefusedError extends Error {
  override readonly name = 'SandboxRefusedError';
  /** Such as `no-slot`, `does-not-fit`, `denied`, `unknown`, `over`, `exists`, `range`, `same`. */
  readonly reason: string;
  /** Of `denied`, where the clinic's answer had one. Contract: Notifications. */
  readonly errorCode: number | undefined;

  constructor(what: string, reason: string, errorCode?: number) {
    super(`${what}: ${reason}`);
    this.reason = reason;
    this.errorCode = errorCode;
  }
}
