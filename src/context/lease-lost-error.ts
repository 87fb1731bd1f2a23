/** The calendar's lease expired and another worker holds it: this worker must not write any more. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';

  constructor(calendar: string) {
    super(`calendar ${calendar}: another worker took over`);
  }
}
