/** A request named calendars that do not exist. */
export class UnknownCalendarsError extends Error {
  override readonly name = 'UnknownCalendarsError';
  readonly calendars: readonly string[];

  constructor(calendars: readonly string[]) {
    super(`there is no calendar ${calendars.map((id) => `"${id}"`).join(', ')}`);
    this.calendars = calendars;
  }
}
