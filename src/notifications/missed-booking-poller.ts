/**
 * Finds bookings that neither push nor pull delivered: reads the bookings of every calendar over the horizon periodically, and
 * ingests what differs like a notification. The time counts as busy at once. The clinic is notified only of what push and pull have
 * not delivered some minutes later; otherwise a move whose notification is still in transit would be delivered twice.
 * Contract: getBookings.
 */
import type { Logger } from 'pino';
import { MINUTE } from '../core/duration.js';
import { isUnavailable } from '../db/is-unavailable.js';
import type { Db } from '../db/schema.js';
import { type Account, getAccount, listAccounts, missedBookingDelayMs } from '../db/tables/accounts.js';
import { acquireBookingsRead, scheduleBookingsRead } from '../db/tables/calendar-reads.js';
import { type Calendar, getCalendar } from '../db/tables/calendars.js';
import { deleteExpiredReservations } from '../db/tables/reservations.js';
import { type DocplannerClient, FirewallError } from '../docplanner/index.js';
import { PeriodicTask, type PeriodicTaskOptions } from '../lib/periodic-task.js';
import { toBookingUpdate } from '../marketplace-state/booking-update.js';
import type { Source } from './ingest.js';
import { type BookingDifference, findMissedBookings } from './missed-bookings.js';
import { type NotificationSubject, parseSubject } from './parsed-notification.js';

export interface MissedBookingPollerOptions extends PeriodicTaskOptions {
  readonly db: Db;
  /** A client for reads only, which never uses the allowance of writes. */
  readonly client: (account: Account) => DocplannerClient;
  readonly ingest: (
    account: Account,
    subjects: readonly NotificationSubject[],
    source: Source,
  ) => Promise<void>;
  /** Opens the circuit of an account that the marketplace's firewall has stopped. */
  readonly backoff: (account: Account, error: unknown, failures: number) => Promise<number>;
  readonly log: Logger;
  readonly now: () => number;
  /** The first and the last date of the bookings that are read. */
  readonly horizon: (account: Account) => { readonly from: string; readonly to: string };
}

/** Of one account in one pass: the reads are spread, and other processes acquire other calendars. */
const MAX_CALENDARS_PER_PASS = 5;
const RETRY_MS = 5 * MINUTE;

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
      const enabled = accounts.filter((account) => account.notifications.mode !== 'off');
      await Promise.all(enabled.map((account) => this.#pollAccount(account)));
    } catch (error) {
      if (!isUnavailable(error)) log.error({ err: error }, 'missed bookings cannot be polled');
    }
  }

  /** A slow marketplace delays no other account. Never rejects. */
  async #pollAccount({ id: account, notifications }: Account): Promise<void> {
    const { db, log, now } = this.#options;
    try {
      for (let n = 0; n < MAX_CALENDARS_PER_PASS && !this.isStopping; n += 1) {
        const notSince = new Date(now() - notifications.sweepMinutes * MINUTE);
        const calendar = await acquireBookingsRead(db, account, notSince, new Date(now()));
        if (calendar === undefined) return;
        // The process stops: nothing is requested, and the calendar is due for other processes at once.
        if (this.isStopping) return await scheduleBookingsRead(db, calendar, notSince);
        await this.#pollCalendar(calendar, account, notSince);
      }
    } catch (error) {
      if (!isUnavailable(error)) log.error({ err: error, account }, 'missed bookings cannot be polled');
    }
  }

  async #pollCalendar(id: string, accountId: string, notSince: Date): Promise<void> {
    const { db, log, backoff } = this.#options;
    let loaded: Account | undefined;
    let hasFailed = false;
    try {
      const [calendar, account] = await Promise.all([getCalendar(db, id), getAccount(db, accountId)]);
      loaded = account;
      hasFailed = calendar?.failed !== undefined;
      if (calendar !== undefined && account !== undefined) {
        await this.#ingestMissed(calendar, account, notSince);
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown';
      if (loaded !== undefined && error instanceof FirewallError)
        await backoff(loaded, error, 1).catch(() => undefined);
      log.warn({ calendar: id, reason }, 'the bookings of a calendar cannot be read; the read is retried');
      // A calendar that failed before most likely fails again: its next read is due with all others.
      if (hasFailed) return;
      await scheduleBookingsRead(db, id, new Date(notSince.getTime() + RETRY_MS)).catch(() => undefined);
    }
  }

  async #ingestMissed(calendar: Calendar, account: Account, notSince: Date): Promise<void> {
    const { db, client, ingest, now, horizon } = this.#options;
    const { fresh, due } = await findMissedBookings(
      { db, client: client(account), now, dates: horizon(account) },
      calendar,
      account,
    );
    const ingestAll = (differences: readonly BookingDifference[], source: Source): Promise<void> => {
      const subjects = differences.map((one) => parseSubject(toNotification(one), now()));
      return ingest(account, subjects, source);
    };
    if (fresh.length > 0) {
      const nextAt = notSince.getTime() + missedBookingDelayMs(account.notifications);
      await scheduleBookingsRead(db, calendar.id, new Date(nextAt));
    }
    await ingestAll(fresh, 'state-only');
    await ingestAll(due, 'sweep');
  }
}

/** The notification that was missed. For a move to a place without a calendar it only reports that the old time is free. */
function toNotification({ calendar, booking, movedFrom }: BookingDifference) {
  const place = {
    facility: { id: calendar.facilityId },
    doctor: { id: calendar.doctorId },
    address: { id: calendar.addressId },
  };
  if (movedFrom !== undefined) {
    const data = { ...place, old_visit_booking: movedFrom, new_visit_booking: booking };
    return { name: 'booking-moved', created_at: undefined, data } as const;
  }
  const hasEnded = toBookingUpdate(booking).status !== 'booked';
  const name = hasEnded ? ('booking-canceled' as const) : ('slot-booked' as const);
  return { name, created_at: undefined, data: { ...place, visit_booking: booking } };
}
