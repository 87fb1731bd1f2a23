/** The operations of the PMS on a marketplace booking: cancel it, move it, or link it to an appointment. */

import type { BookingReport, BookingsApi, MoveBooking } from '../api/bookings-api.js';
import { CalendarBusyError } from '../context/calendar-busy-error.js';
import { openCircuit } from '../context/circuit-breaker.js';
import type { CalendarContext, Dependencies } from '../context/context.js';
import { readNothing, withLease } from '../context/lease.js';
import { HIGHEST_PRIORITY, parseInstant, toIso } from '../core/index.js';
import { type Account, getAccount } from '../db/tables/accounts.js';
import { findBookings, findBookingsOfAccount } from '../db/tables/bookings.js';
import { type Calendar, getCalendar } from '../db/tables/calendars.js';
import { FirewallError } from '../docplanner/index.js';
import type { BookingUpdate } from '../marketplace-state/apply-bookings.js';
import type { PublishEnqueuer } from '../queue/publish-enqueuer.js';
import { BookingEndedError } from './booking-ended-error.js';
import type { BookingLinker } from './booking-linker.js';
import { cancelBooking, findKnownBooking } from './cancel-booking.js';
import { moveBooking } from './move-booking.js';
import { PlaceholderError } from './placeholder-error.js';

export interface BookingServiceOptions {
  readonly dependencies: Dependencies;
  readonly enqueuer: Pick<PublishEnqueuer, 'enqueueCalendar'>;
  readonly linker: Pick<BookingLinker, 'link'>;
}

/** The booking as the database has it, or as the marketplace returned it where the database has none. */
type Done = { readonly calendar: string; readonly id: string } | BookingUpdate;

/** How long to wait for the worker that holds the calendar's lease. */
const PATIENCE_MS = 15_000;
const ASK_EVERY_MS = 100;

export class BookingService implements BookingsApi {
  readonly #options: BookingServiceOptions;

  constructor(options: BookingServiceOptions) {
    this.#options = options;
  }

  async cancel(calendar: string, booking: string, how: { reason?: string | undefined } = {}) {
    return await this.#run(calendar, async (context) => {
      await patientsVisit(context, booking);
      await cancelBooking(context, booking, { reason: how.reason });
      return { calendar, id: booking };
    });
  }

  async move(calendar: string, booking: string, to: MoveBooking) {
    return await this.#run(calendar, async (context) => {
      const start = parseInstant(to.start, context.account.timeZone, 'start');
      await patientsVisit(context, booking);
      const moved = await moveBooking(context, booking, { ...to, start });
      const known = await findBookingsOfAccount(context.db, context.calendar.account, [moved.id]);
      const calendarOfMoved = known.find(
        ({ id, status }) => id === moved.id && status === 'booked',
      )?.calendar;
      return calendarOfMoved === undefined ? moved : { calendar: calendarOfMoved, id: moved.id };
    });
  }

  async link(calendar: string, booking: string, ref: string | null) {
    return await this.#run(calendar, async (context) => {
      const { status, movedTo } = await patientsVisit(context, booking);
      if (status !== 'booked') throw new BookingEndedError(booking, status, movedTo);
      await this.#options.linker.link([{ calendar, booking, ref }]);
      return { calendar, id: booking };
    });
  }

  async #run(
    id: string,
    work: (context: CalendarContext) => Promise<Done>,
  ): Promise<BookingReport | undefined> {
    const { dependencies, enqueuer } = this.#options;
    // At once: the freed time may belong to an appointment, or is to be offered again.
    const enqueue = (one: string) => enqueuer.enqueueCalendar(one, HIGHEST_PRIORITY);
    const calendar = await getCalendar(dependencies.db, id);
    const account = calendar && (await getAccount(dependencies.db, calendar.account));
    if (calendar === undefined || account === undefined) return undefined;
    // Enqueued also after a refusal: the booking may have been read for the first time, and its time is busy.
    const done = await this.#leased(calendar, account, work).finally(() => enqueue(id));
    const iso = (ms: number): string => toIso(ms, account.timeZone);
    if (!('calendar' in done)) {
      const { id: moved, start, end, service = null } = done;
      const where = { calendar: null, id: moved, status: 'booked', ref: null } as const;
      return { ...where, start: iso(start), end: iso(end), service };
    }
    if (done.calendar !== id) await enqueue(done.calendar);
    const booking = (await findBookings(dependencies.db, done.calendar, [done.id])).get(done.id);
    if (booking === undefined) return undefined;
    const { status, start, end, service, ref } = booking;
    return { ...done, status, start: iso(start.getTime()), end: iso(end.getTime()), service, ref };
  }

  async #leased<T>(
    calendar: Calendar,
    account: Account,
    work: (context: CalendarContext) => Promise<T>,
  ): Promise<T> {
    const { dependencies } = this.#options;
    const deadline = dependencies.timers.elapsed() + PATIENCE_MS;
    for (;;) {
      const ran = await withLease(dependencies, calendar, account, readNothing, work).catch(
        async (error: unknown) => {
          if (error instanceof FirewallError) await openCircuit(dependencies, account, error.message);
          throw error;
        },
      );
      if (ran.kind === 'ran') return ran.result;
      if (dependencies.timers.elapsed() > deadline) throw new CalendarBusyError(calendar.id);
      await dependencies.timers.sleep(ASK_EVERY_MS);
    }
  }
}

/** @throws {PlaceholderError} where the booking is our placeholder */
async function patientsVisit(context: CalendarContext, id: string): Promise<BookingUpdate> {
  const known = await findKnownBooking(context, id);
  if (known.placeholder !== undefined) throw new PlaceholderError(id);
  return known;
}
