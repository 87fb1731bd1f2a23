import type { CalendarRefusal, DayGeneration } from '../db/tables/calendar-retries.js';

/** The marketplace refuses the calendar as a whole; what must not be on sale was closed by other ways, as far as it let us. */
export class CalendarRefusedError extends Error {
  override readonly name = 'CalendarRefusedError';
  /** Whether time stays on sale that must not be. */
  readonly leavesOnSale: boolean;
  readonly tried: readonly DayGeneration[];

  constructor({ reason, leavesOnSale, tried }: CalendarRefusal) {
    super(reason);
    this.leavesOnSale = leavesOnSale;
    this.tried = tried;
  }
}
