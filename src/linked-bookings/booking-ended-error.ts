/** The booking was canceled or moved already, so nothing can follow it. */
export class BookingEndedError extends Error {
  override readonly name = 'BookingEndedError';

  /** @param movedTo the booking that it is now, where it moved and that is known */
  constructor(booking: string, status: string, movedTo?: string) {
    super(
      `the booking "${booking}" was ${status} already${movedTo === undefined ? '' : `: it is "${movedTo}" now`}`,
    );
  }
}
