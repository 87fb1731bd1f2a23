/** Another worker holds the calendar's lease for longer than the caller waits. */
export class CalendarBusyError extends Error {
  override readonly name = 'CalendarBusyError';

  constructor(calendar: string) {
    super(`the calendar "${calendar}" is being published; ask again`);
  }
}
