/** Another calendar has this address. Two calendars at one address would overwrite each other's slots. */
export class AddressTakenError extends Error {
  override readonly name = 'AddressTakenError';
  /** The calendar that has the address. */
  readonly calendar: string;

  constructor(calendar: string, isClosing: boolean) {
    const state = isClosing ? ', and it is being closed' : '';
    super(`the calendar "${calendar}" is the same facility, doctor and address already${state}`);
    this.calendar = calendar;
  }
}
