/** The calendar's lease ran out and another worker has it: this one must not write any more. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';

  constructor(calendar: string) {
    super(`calendar ${calendar}: another worker took over`);
  }
}
