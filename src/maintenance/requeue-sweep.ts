/**
 * The sweep: finds what is wanted and not queued, and wakes it. A crash between a commit and its job, a queue
 * that lost its memory, a day that came into the horizon: all are found here, because what is wanted is a query.
 * It runs by a timer and not by the queue, since it exists for when the queue fails.
 */
import type { Logger } from 'pino';
import { DAY, HOUR } from '../core/duration.js';
import { LOWEST_PRIORITY, localDate } from '../core/index.js';
import { isUnavailable } from '../db/is-unavailable.js';
import type { Db } from '../db/schema.js';
import { listAccounts } from '../db/tables/accounts.js';
import { deleteExpiredBookings } from '../db/tables/bookings.js';
import { deleteExpiredBreaks } from '../db/tables/breaks.js';
import { findAddressReadsDue, scheduleFirstAddressReads } from '../db/tables/calendar-reads.js';
import { findClosingCalendars } from '../db/tables/closing-calendars.js';
import { deleteExpiredRuns } from '../db/tables/deletions.js';
import { deleteExpiredEvents } from '../db/tables/events.js';
import { failedCalendarsDue } from '../db/tables/failures.js';
import { deleteExpiredHeldChanges } from '../db/tables/held-changes.js';
import { findCalendarsToSync } from '../db/tables/linked-bookings.js';
import { findPendingCalendars, type PendingCalendar } from '../db/tables/pending-calendars.js';
import { deleteExpiredRejectedEvents } from '../db/tables/rejected-events.js';
import { deleteExpiredRequests } from '../db/tables/requests.js';
import { deleteExpiredReleases, deleteExpiredStagedSnapshots } from '../db/tables/snapshots.js';
import { PeriodicTask, type PeriodicTaskOptions } from '../lib/periodic-task.js';
import { horizonOf } from '../publishing/horizon.js';

export interface RequeueSweepOptions extends PeriodicTaskOptions {
  readonly db: Db;
  readonly enqueue: (calendars: readonly PendingCalendar[]) => Promise<void>;
  readonly log: Logger;
  readonly now: () => number;
  /** What else is to be looked after now and then. */
  readonly also: () => Promise<void>;
}

/** In one sweep, at most; the rest comes with the next. */
const MAX_CALENDARS = 1_000;
/** Addresses that are read for no other reason than that it is time, in one sweep: they are spread. */
const MAX_ADDRESSES = 10;
/** An event that is sent again after this would be taken for a new one. */
const REMEMBER_EVENTS_MS = 30 * DAY;
/** Bookings and breaks that are over; a late word about one would be news after this. */
const REMEMBER_VISITS_MS = 30 * DAY;
/** Longer than a snapshot can be old, or it would bring back what was released after it was taken. */
const REMEMBER_RELEASED_MS = 8 * DAY;
/** Longer than a source can take to answer, and its snapshots to be taken in. */
const REMEMBER_STAGED_MS = DAY;
const REMEMBER_REQUESTS_MS = 2 * HOUR;

export class RequeueSweep extends PeriodicTask {
  readonly #options: RequeueSweepOptions;
  #tidiedAt = 0;

  constructor(options: RequeueSweepOptions) {
    super(options);
    this.#options = options;
  }

  protected override async run(): Promise<void> {
    const { db, enqueue, log, now, also } = this.#options;
    try {
      const horizons = (await listAccounts(db)).map(({ id, timeZone }) => ({
        account: id,
        ...horizonOf(timeZone, now()),
      }));
      const at = new Date(now());
      await enqueue(await findPendingCalendars(db, horizons, at, MAX_CALENDARS));
      await scheduleFirstAddressReads(db, at);
      const others = [
        ...(await findCalendarsToSync(db, at, MAX_CALENDARS)),
        ...(await failedCalendarsDue(db, at, MAX_CALENDARS)),
        ...(await findClosingCalendars(db, MAX_CALENDARS)),
        ...(await findAddressReadsDue(db, at, MAX_ADDRESSES)),
      ];
      await enqueue([...new Set(others)].map((calendar) => ({ calendar, priority: LOWEST_PRIORITY })));
      await also();
      if (now() - this.#tidiedAt > DAY / 24) await this.#tidy();
    } catch (error) {
      if (isUnavailable(error)) log.warn({ err: error }, 'the sweep could not reach what it needs');
      else log.error({ err: error }, 'the sweep failed');
    }
  }

  async #tidy(): Promise<void> {
    const { db, now } = this.#options;
    await deleteExpiredEvents(db, new Date(now() - REMEMBER_EVENTS_MS));
    await deleteExpiredRejectedEvents(db, new Date(now() - REMEMBER_EVENTS_MS));
    await deleteExpiredRequests(db, new Date(now() - REMEMBER_REQUESTS_MS));
    await deleteExpiredBookings(db, new Date(now() - REMEMBER_VISITS_MS));
    await deleteExpiredBreaks(db, new Date(now() - REMEMBER_VISITS_MS));
    await deleteExpiredReleases(db, new Date(now() - REMEMBER_RELEASED_MS));
    await deleteExpiredStagedSnapshots(db, new Date(now() - REMEMBER_STAGED_MS));
    await deleteExpiredRuns(db, new Date(now() - REMEMBER_RELEASED_MS));
    await deleteExpiredHeldChanges(db, localDate(now() - 2 * DAY, 'UTC'));
    this.#tidiedAt = now();
  }
}
