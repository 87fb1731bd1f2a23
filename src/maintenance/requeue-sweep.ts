/**
 * The requeue sweep enqueues calendars that have work and no job: after a crash between a commit and its job, after a loss of the
 * queue's data, and when a day enters the horizon. Pending work is a query of the database. A timer and not the queue starts the
 * sweep, because it repairs failures of the queue.
 */
import type { Logger } from 'pino';
import { DAY, HOUR } from '../core/duration.js';
import { LOWEST_PRIORITY, localDate } from '../core/index.js';
import { isUnavailable } from '../db/is-unavailable.js';
import type { Db } from '../db/schema.js';
import { endPauses } from '../db/tables/account-states.js';
import { listAccounts, type OwnNotificationName } from '../db/tables/accounts.js';
import { deleteExpiredAccuracy } from '../db/tables/accuracy.js';
import { deleteExpiredBookings } from '../db/tables/bookings.js';
import { deleteExpiredBreaks } from '../db/tables/breaks.js';
import { findAddressReadsDue, scheduleFirstAddressReads } from '../db/tables/calendar-reads.js';
import { findClosingCalendars } from '../db/tables/closing-calendars.js';
import { deleteExpiredRunDeletions } from '../db/tables/deletions.js';
import { deleteExpiredEvents } from '../db/tables/events.js';
import { findDueFailedCalendars } from '../db/tables/failures.js';
import { deleteExpiredHeldChanges } from '../db/tables/held-changes.js';
import { deleteExpiredHistory } from '../db/tables/history.js';
import { deleteExpiredInDoubt } from '../db/tables/in-doubt.js';
import { findCalendarsToSync } from '../db/tables/linked-bookings.js';
import { findPendingCalendars } from '../db/tables/pending-calendars.js';
import { deleteExpiredRejectedEvents } from '../db/tables/rejected-events.js';
import { deleteExpiredRequests } from '../db/tables/requests.js';
import { deleteExpiredReleases } from '../db/tables/snapshots.js';
import { deleteExpiredStagedSnapshots } from '../db/tables/staged-snapshots.js';
import { PeriodicTask, type PeriodicTaskOptions } from '../lib/periodic-task.js';
import { horizonOf } from '../publishing/horizon.js';
import type { PublishQueue } from '../queue/publish-queue.js';
import type { ResyncWorker } from '../resync/worker.js';

export interface RequeueSweepOptions extends PeriodicTaskOptions {
  readonly db: Db;
  readonly publishQueue: Pick<PublishQueue, 'enqueue'>;
  /** Its periodic work is part of each sweep. */
  readonly resyncWorker: Pick<ResyncWorker, 'runMaintenance'>;
  /** For how many days the history is kept. */
  readonly historyDays: number;
  /** The own notifications of accounts without their own list. */
  readonly ownNotifications: readonly OwnNotificationName[];
  readonly log: Logger;
  readonly now: () => number;
}

/** The limit of one sweep; the next one enqueues the rest. */
const MAX_CALENDARS = 1_000;
/** Addresses whose periodic read is due, in one sweep: the limit spreads the reads. */
const MAX_ADDRESSES = 10;
/** An event that is sent again after this time counts as a new one. */
const KEEP_EVENTS_MS = 30 * DAY;
/** Bookings and breaks that are over; a later update of one counts as a new booking or break. */
const KEEP_BOOKINGS_MS = 30 * DAY;
/** Longer than the maximum age of a snapshot, which would otherwise restore what was released after it. */
const KEEP_RELEASED_MS = 8 * DAY;
/** Longer than a source takes to answer and its snapshots take to be applied. */
const KEEP_STAGED_MS = DAY;
const KEEP_REQUESTS_MS = 2 * HOUR;
const KEEP_ACCURACY_MS = 366 * DAY;

export class RequeueSweep extends PeriodicTask {
  readonly #options: RequeueSweepOptions;
  #cleanedUpAt = 0;

  constructor(options: RequeueSweepOptions) {
    super(options);
    this.#options = options;
  }

  protected override async run(): Promise<void> {
    const { db, publishQueue, resyncWorker, log, now, ownNotifications } = this.#options;
    try {
      const horizons = (await listAccounts(db)).map(({ id, timeZone }) => ({
        account: id,
        ...horizonOf(timeZone, now()),
      }));
      const at = new Date(now());
      await endPauses(db, at, ownNotifications);
      await publishQueue.enqueue(await findPendingCalendars(db, horizons, at, MAX_CALENDARS));
      await scheduleFirstAddressReads(db, at);
      const others = [
        ...(await findCalendarsToSync(db, at, MAX_CALENDARS)),
        ...(await findDueFailedCalendars(db, at, MAX_CALENDARS)),
        ...(await findClosingCalendars(db, MAX_CALENDARS)),
        ...(await findAddressReadsDue(db, at, MAX_ADDRESSES)),
      ];
      await publishQueue.enqueue(
        [...new Set(others)].map((calendar) => ({ calendar, priority: LOWEST_PRIORITY })),
      );
      await resyncWorker.runMaintenance();
      if (now() - this.#cleanedUpAt > DAY / 24) await this.#deleteExpired();
    } catch (error) {
      if (isUnavailable(error))
        log.warn({ err: error }, 'the database or the queue is unavailable; the next requeue sweep retries');
      else log.error({ err: error }, 'the requeue sweep failed; the next one retries');
    }
  }

  async #deleteExpired(): Promise<void> {
    const { db, now, historyDays } = this.#options;
    await deleteExpiredEvents(db, new Date(now() - KEEP_EVENTS_MS));
    await deleteExpiredRejectedEvents(db, new Date(now() - KEEP_EVENTS_MS));
    await deleteExpiredRequests(db, new Date(now() - KEEP_REQUESTS_MS));
    await deleteExpiredBookings(db, new Date(now() - KEEP_BOOKINGS_MS));
    await deleteExpiredBreaks(db, new Date(now() - KEEP_BOOKINGS_MS));
    await deleteExpiredInDoubt(db, new Date(now() - KEEP_BOOKINGS_MS));
    await deleteExpiredReleases(db, new Date(now() - KEEP_RELEASED_MS));
    await deleteExpiredStagedSnapshots(db, new Date(now() - KEEP_STAGED_MS));
    await deleteExpiredRunDeletions(db, new Date(now() - KEEP_RELEASED_MS));
    await deleteExpiredHeldChanges(db, localDate(now() - 2 * DAY, 'UTC'));
    await deleteExpiredHistory(db, new Date(now() - historyDays * DAY));
    await deleteExpiredAccuracy(db, localDate(now() - KEEP_ACCURACY_MS, 'UTC'));
    this.#cleanedUpAt = now();
  }
}
