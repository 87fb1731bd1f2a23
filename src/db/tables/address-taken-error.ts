/** Two calendars cannot be the same address: each would undo what the other publishes. */
export class AddressTakenError extends Error {
  override readonly name = 'AddressTakenError';
  /** The calendar that is there. */
  readonly calendar: string;

  constructor(calendar: string, isClosing: boolean) {
    const since = isClosing ? ', and it is being closed' : '';
    super(`the calendar "${calendar}" is the same facility, doctor and address already${since}`);
    this.calendar = calendar;
  }
}
