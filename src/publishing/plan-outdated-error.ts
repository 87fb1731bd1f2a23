/** What is known of the days of a plan changed after it was made: what it would open may be taken by now. */
export class PlanOutdatedError extends Error {
  override readonly name = 'PlanOutdatedError';

  constructor(calendar: string) {
    super(`what is known of the calendar "${calendar}" changed before a write was sent`);
  }
}
