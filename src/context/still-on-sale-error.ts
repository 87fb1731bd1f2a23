/** Every day of a calendar was closed, and the marketplace still offers some of it: those days are closed again. */
export class StillOnSaleError extends Error {
  override readonly name = 'StillOnSaleError';

  constructor(dates: readonly string[]) {
    super(`the marketplace still offers something on ${dates.slice(0, 5).join(', ')}`);
  }
}
