/** The calendar or its account changed since the reconcile began: its desired days must be computed again. */
export class CalendarChangedError extends Error {
  override readonly name = 'CalendarChangedError';

  constructor(calendar: string) {
    super(`the calendar "${calendar}" was changed meanwhile`);
  }
}
