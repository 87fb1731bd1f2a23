/** The booking was canceled or moved already, so nothing can follow it. */
export class BookingOverError extends Error {
  override readonly name = 'BookingOverError';

  constructor(booking: string, status: string) {
    super(`the booking "${booking}" was ${status} already`);
  }
}
