import type { CalendarRefusal, DayGeneration } from '../db/tables/calendar-retries.js';

/** The marketplace refuses the calendar as a whole. Fallbacks closed what must not be on sale, as far as they were accepted. */
export class CalendarRefusedError extends Error {
  override readonly name = 'CalendarRefusedError';
  /** Whether time that must not be sold is still on sale. */
  readonly leavesOnSale: boolean;
  readonly tried: readonly DayGeneration[];

  constructor({ reason, leavesOnSale, tried }: CalendarRefusal) {
    super(reason);
    this.leavesOnSale = leavesOnSale;
    this.tried = tried;
  }
}
