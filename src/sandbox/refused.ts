// The error of a control that the marketplace does not allow in its current state.

/** For example: the start is occupied, the booking is canceled, the clinic denied the approval. */
export class SandboxRefusedError extends Error {
  override readonly name = 'SandboxRefusedError';
  /** One of `no-slot`, `does-not-fit`, `denied`, `unknown`, `over`, `exists`, `range`, `same`. */
  readonly reason: string;
  /** The error code of the clinic's response, for `denied`. Contract: Notifications. */
  readonly errorCode: number | undefined;

  constructor(what: string, reason: string, errorCode?: number) {
    super(`${what}: ${reason}`);
    this.reason = reason;
    this.errorCode = errorCode;
  }
}
