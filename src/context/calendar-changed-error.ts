/** The calendar, or its account, is not what it was when the run began: what it wants is to be computed anew. */
export class CalendarChangedError extends Error {
  override readonly name = 'CalendarChangedError';

  constructor(calendar: string) {
    super(`the calendar "${calendar}" was changed meanwhile`);
  }
}
