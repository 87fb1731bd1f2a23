/** The booking is our placeholder, which moves only with its appointment. */
export class PlaceholderError extends Error {
  override readonly name = 'PlaceholderError';

  constructor(booking: string) {
    super(
      `the booking "${booking}" stands for an appointment of the clinic: it is moved and cancelled with that, and linked to no other`,
    );
  }
}
