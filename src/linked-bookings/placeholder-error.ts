/** The booking is a placeholder of ours, which goes where its appointment goes and with nothing else. */
export class PlaceholderError extends Error {
  override readonly name = 'PlaceholderError';

  constructor(booking: string) {
    super(
      `the booking "${booking}" stands for an appointment of the clinic: it is moved and cancelled with that, and linked to no other`,
    );
  }
}
