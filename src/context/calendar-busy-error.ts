/** Somebody else is writing to the marketplace for the calendar, for longer than was waited. */
export class CalendarBusyError extends Error {
  override readonly name = 'CalendarBusyError';

  constructor(calendar: string) {
    super(`the calendar "${calendar}" is being published; ask again`);
  }
}
