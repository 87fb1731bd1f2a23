/** Calendars were named that there are none of. */
export class UnknownCalendarsError extends Error {
  override readonly name = 'UnknownCalendarsError';
  readonly calendars: readonly string[];

  constructor(calendars: readonly string[]) {
    super(`there is no calendar ${calendars.map((id) => `"${id}"`).join(', ')}`);
    this.calendars = calendars;
  }
}
