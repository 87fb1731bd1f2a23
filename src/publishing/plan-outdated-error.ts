/** The days of a plan changed after the plan was made: what the write would put on sale may be busy by now. */
export class PlanOutdatedError extends Error {
  override readonly name = 'PlanOutdatedError';

  constructor(calendar: string) {
    super(`what is known of the calendar "${calendar}" changed before a write was sent`);
  }
}
