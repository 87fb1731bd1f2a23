/**
 * Finds what neither push nor pull delivered: reads the bookings of every calendar over the horizon now and then, and takes
 * in what is news, as if it had been said. The time counts as taken at once; the clinic is told only what push and pull
 * have not said some minutes later, or a move that is on its way to it would be told twice. Contract: getBookings.
 */
import type { Logger } from 'pino';
import { MINUTE } from '../core/duration.js';
import { isUnavailable } from '../db/is-unavailable.js';
import type { Db } from '../db/schema.js';
import { acquireCalendarToRead, scheduleBookingsRead } from '../db/tables/account-tasks.js';
import { type Account, getAccount, listAccounts, missedBookingDelayMs } from '../db/tables/accounts.js';
import { type Calendar, getCalendar } from '../db/tables/calendars.js';
import { deleteExpiredReservations } from '../db/tables/reservations.js';
import { type DocplannerClient, FirewallError } from '../docplanner/index.js';
import { PeriodicTask, type PeriodicTaskOptions } from '../lib/periodic-task.js';
import { said } from '../marketplace-state/booking-update.js';
import type { Source } from './ingest.js';
import { type BookingDifference, findMissedBookings } from './missed-bookings.js';
import { type NotificationSubject, parseSubject } from './parsed-notification.js';

export interface MissedBookingPollerOptions extends PeriodicTaskOptions {
  readonly db: Db;
  /** For reading only: it never spends what writes need. */
  readonly marketplace: (account: Account) => DocplannerClient;
  readonly take: (
    account: Account,
    subjects: readonly NotificationSubject[],
    source: Source,
  ) => Promise<void>;
  /** Keeps an account silent that the firewall has stopped. */
  readonly backoff: (account: Account, error: unknown, failures: number) => Promise<number>;
  readonly log: Logger;
  readonly now: () => number;
  /** The dates over which they are read, both included. */
  readonly horizon: (account: Account) => { readonly from: string; readonly to: string };
}

/** Of an account, at most: the reads are spread, and other processes take others. */
const MAX_IN_A_ROUND = 5;
const AGAIN_MS = 5 * MINUTE;

export class MissedBookingPoller extends PeriodicTask {
  readonly #options: MissedBookingPollerOptions;

  constructor(options: MissedBookingPollerOptions) {
    super(options);
    this.#options = options;
  }

  protected override async run(): Promise<void> {
    const { db, log, now } = this.#options;
    try {
      await deleteExpiredReservations(db, new Date(now()));
      const accounts = await listAccounts(db);
      const heard = accounts.filter((account) => account.notifications.mode !== 'off');
      await Promise.all(heard.map((account) => this.#look(account)));
    } catch (error) {
      if (!isUnavailable(error)) log.error({ err: error }, 'bookings could not be looked for');
    }
  }

  /** An account whose marketplace is slow keeps no other one waiting. Never fails. */
  async #look({ id: account, notifications }: Account): Promise<void> {
    const { db, log, now } = this.#options;
    try {
      for (let n = 0; n < MAX_IN_A_ROUND && !this.isStopping; n += 1) {
        const notSince = new Date(now() - notifications.sweepMinutes * MINUTE);
        const calendar = await acquireCalendarToRead(db, account, notSince, new Date(now()));
        if (calendar === undefined) return;
        // Told to stop meanwhile: nothing is asked, and it is there for others at once.
        if (this.isStopping) return await scheduleBookingsRead(db, calendar, notSince);
        await this.#read(calendar, account, notSince);
      }
    } catch (error) {
      if (!isUnavailable(error)) log.error({ err: error, account }, 'bookings could not be looked for');
    }
  }

  async #read(id: string, accountId: string, notSince: Date): Promise<void> {
    const { db, log, backoff } = this.#options;
    let about: Account | undefined;
    let hasFailed = false;
    try {
      const [calendar, account] = await Promise.all([getCalendar(db, id), getAccount(db, accountId)]);
      about = account;
      hasFailed = calendar?.failed !== undefined;
      if (calendar !== undefined && account !== undefined) await this.#find(calendar, account, notSince);
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown';
      if (about !== undefined && error instanceof FirewallError)
        await backoff(about, error, 1).catch(() => undefined);
      log.warn({ calendar: id, reason }, 'the bookings of a calendar could not be read; they are read again');
      // What was refused before is most likely refused again: it has its turn with all others.
      if (hasFailed) return;
      await scheduleBookingsRead(db, id, new Date(notSince.getTime() + AGAIN_MS)).catch(() => undefined);
    }
  }

  async #find(calendar: Calendar, account: Account, notSince: Date): Promise<void> {
    const { db, marketplace, take, now, horizon } = this.#options;
    const { fresh, due } = await findMissedBookings(
      { db, client: marketplace(account), now, dates: horizon(account) },
      calendar,
      account,
    );
    const ingestAll = (some: readonly BookingDifference[], source: Source): Promise<void> => {
      const subjects = some.map((one) => parseSubject(asNotification(one), now()));
      return take(account, subjects, source);
    };
    if (fresh.length > 0) {
      const again = notSince.getTime() + missedBookingDelayMs(account.notifications);
      await scheduleBookingsRead(db, calendar.id, new Date(again));
    }
    await ingestAll(fresh, 'reading');
    await ingestAll(due, 'sweep');
  }
}

/** What would have been said. Of a move to where nobody here looks, only that the old time is free again. */
function asNotification({ calendar, booking, before }: BookingDifference) {
  const place = {
    facility: { id: calendar.facilityId },
    doctor: { id: calendar.doctorId },
    address: { id: calendar.addressId },
  };
  if (before !== undefined) {
    const data = { ...place, old_visit_booking: before, new_visit_booking: booking };
    return { name: 'booking-moved', created_at: undefined, data } as const;
  }
  const isOver = said(booking).status !== 'booked';
  const name = isOver ? ('booking-canceled' as const) : ('slot-booked' as const);
  return { name, created_at: undefined, data: { ...place, visit_booking: booking } };
}
