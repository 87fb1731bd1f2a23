/** The marketplace returns 404 for a booking that it reported minutes ago: its reads may lag behind its writes. */
export class BookingNotVisibleError extends Error {
  override readonly name = 'BookingNotVisibleError';

  /** @param booking its visit booking id */
  constructor(booking: string) {
    super(
      `the marketplace does not return the booking ${booking}, which it reported minutes ago; the request is retried`,
    );
  }
}
