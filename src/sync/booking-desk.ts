/** What the clinic does to a marketplace booking by hand: cancels, moves, or links it to an appointment of its own. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseInstant, toIso } from '../core/index.js';
import { FirewallError } from '../docplanner/index.js';
import { type Account, getAccount } from '../store/accounts.js';
import { findBookings } from '../store/bookings.js';
import { type Calendar, getCalendar } from '../store/calendars.js';
import { linkBookings } from '../store/following.js';
import { BookingOverError } from './booking-over-error.js';
import type { BookingReport, BookingsFace, MoveBooking } from './bookings-face.js';
import { CalendarBusyError } from './calendar-busy-error.js';
import { keepSilent } from './keep-silent.js';
import { leased } from './leased-run.js';
import { moveVisit } from './move-visit.js';
import type { Means, Run } from './run.js';
import { cancelVisit, knownVisit } from './visits.js';

export interface BookingDeskOptions {
  readonly means: Means;
  /** Has the calendar published: what was freed is to be offered again. */
  readonly wake: (calendar: string) => Promise<void>;
}

/** How long to wait for whoever is publishing the calendar. */
const PATIENCE_MS = 15_000;
const ASK_EVERY_MS = 100;

export class BookingDesk implements BookingsFace {
  readonly #options: BookingDeskOptions;

  constructor(options: BookingDeskOptions) {
    this.#options = options;
  }

  async cancel(calendar: string, booking: string, how: { reason?: string | undefined } = {}) {
    return await this.#run(calendar, async (run) => {
      await cancelVisit(run, booking, how.reason);
      return booking;
    });
  }

  async move(calendar: string, booking: string, to: MoveBooking) {
    return await this.#run(calendar, async (run) => {
      const start = parseInstant(to.start, run.account.timeZone, 'start');
      const { id, start: at, end, service } = await moveVisit(run, booking, { ...to, start });
      // At another address it is another calendar's.
      const isHere = (await findBookings(run.db, calendar, [id])).has(id);
      return isHere ? id : { id, start: at, end, service: service ?? null };
    });
  }

  async link(calendar: string, booking: string, ref: string | null) {
    return await this.#run(calendar, async (run) => {
      const { status } = await knownVisit(run, booking);
      if (status !== 'booked') throw new BookingOverError(booking, status);
      await linkBookings(run.db, [{ calendar, booking, ref }]);
      return booking;
    });
  }

  async #run(
    id: string,
    work: (
      run: Run,
    ) => Promise<string | (Pick<BookingReport, 'id' | 'service'> & { start: number; end: number })>,
  ): Promise<BookingReport | undefined> {
    const { means, wake } = this.#options;
    const calendar = await getCalendar(means.db, id);
    const account = calendar && (await getAccount(means.db, calendar.account));
    if (calendar === undefined || account === undefined) return undefined;
    const done = await this.#leased(calendar, account, work);
    await wake(id);
    const iso = (ms: number): string => toIso(ms, account.timeZone);
    if (typeof done !== 'string') {
      return {
        ...done,
        calendar: id,
        status: 'booked',
        start: iso(done.start),
        end: iso(done.end),
        ref: null,
      };
    }
    const booking = (await findBookings(means.db, id, [done])).get(done);
    if (booking === undefined) return undefined;
    const { status, start, end, service, ref } = booking;
    return {
      calendar: id,
      id: done,
      status,
      start: iso(start.getTime()),
      end: iso(end.getTime()),
      service,
      ref,
    };
  }

  async #leased<T>(calendar: Calendar, account: Account, work: (run: Run) => Promise<T>): Promise<T> {
    const { means } = this.#options;
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const ran = await leased(means, calendar, account, work).catch(async (error: unknown) => {
        if (error instanceof FirewallError) await keepSilent(means, account, error.message);
        throw error;
      });
      if (ran.kind === 'ran') return ran.result;
      if (performance.now() > deadline) throw new CalendarBusyError(calendar.id);
      await sleep(ASK_EVERY_MS);
    }
  }
}
