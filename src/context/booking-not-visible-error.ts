/** The marketplace does not know a booking that it told of, or showed, minutes ago: whoever answered may be behind. */
export class BookingNotVisibleError extends Error {
  override readonly name = 'NotKnownYetError';

  /** @param booking its visit booking id */
  constructor(booking: string) {
    super(
      `the marketplace does not know the booking ${booking}, of which it spoke minutes ago; it is asked again`,
    );
  }
}
