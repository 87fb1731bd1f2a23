/** The booking was canceled or moved already, so it cannot be changed. */
export class BookingEndedError extends Error {
  override readonly name = 'BookingEndedError';

  /** @param movedTo the id of the booking's successor, where it moved and that is known */
  constructor(booking: string, status: string, movedTo?: string) {
    super(
      `the booking "${booking}" was ${status} already${movedTo === undefined ? '' : `: it is "${movedTo}" now`}`,
    );
  }
}
