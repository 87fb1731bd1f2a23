/** Everything of a calendar was closed, and the marketplace still shows something of it: it is closed again. */
export class StillOnSaleError extends Error {
  override readonly name = 'StillOnSaleError';

  constructor(dates: readonly string[]) {
    super(`the marketplace still offers something on ${dates.slice(0, 5).join(', ')}`);
  }
}
