/**
 * The sweep: finds what is wanted and not queued, and wakes it. A crash between a commit and its job, a queue
 * that lost its memory, a day that came into the horizon: all are found here, because what is wanted is a query.
 * It runs by a timer and not by the queue, since it exists for when the queue fails.
 */
import type { Logger } from 'pino';
import { LEAST_URGENT, localDate } from '../core/index.js';
import { isUnavailable } from '../db/is-unavailable.js';
import type { Db } from '../db/schema.js';
import { listAccounts } from '../db/tables/accounts.js';
import { calendarsToRead } from '../db/tables/address-services.js';
import { forgetBookings } from '../db/tables/bookings.js';
import { forgetBreaks } from '../db/tables/breaks.js';
import { closingCalendars } from '../db/tables/closing-calendars.js';
import { forgetRuns } from '../db/tables/deletions.js';
import { forgetEvents } from '../db/tables/events.js';
import { failedCalendarsDue } from '../db/tables/failures.js';
import { forgetHolds } from '../db/tables/held-changes.js';
import { calendarsToFollow } from '../db/tables/linked-bookings.js';
import { type WantedCalendar, wantedCalendars } from '../db/tables/pending-calendars.js';
import { forgetRefusedEvents } from '../db/tables/rejected-events.js';
import { forgetRequests } from '../db/tables/requests.js';
import { forgetReleased, forgetStaged } from '../db/tables/snapshots.js';
import { PeriodicTask, type PeriodicTaskOptions } from '../lib/periodic-task.js';
import { horizonOf } from '../publishing/horizon.js';

export interface SweepOptions extends PeriodicTaskOptions {
  readonly db: Db;
  readonly wake: (calendars: readonly WantedCalendar[]) => Promise<void>;
  readonly log: Logger;
  readonly now: () => number;
  /** What else is to be looked after now and then. */
  readonly also: () => Promise<void>;
}

/** In one sweep, at most; the rest comes with the next. */
const MOST_CALENDARS = 1_000;
/** Addresses that are read for no other reason than that it is time, in one sweep: they are spread. */
const MOST_ADDRESSES = 10;
const DAY = 24 * 60 * 60 * 1000;
/** An event that is sent again after this would be taken for a new one. */
const REMEMBER_EVENTS_MS = 30 * DAY;
/** Bookings and breaks that are over; a late word about one would be news after this. */
const REMEMBER_VISITS_MS = 30 * DAY;
/** Longer than a snapshot can be old, or it would bring back what was released after it was taken. */
const REMEMBER_RELEASED_MS = 8 * DAY;
/** Longer than a source can take to answer, and its snapshots to be taken in. */
const REMEMBER_STAGED_MS = DAY;
const REMEMBER_REQUESTS_MS = 2 * 60 * 60 * 1000;

export class Sweep extends PeriodicTask {
  readonly #options: SweepOptions;
  #tidiedAt = 0;

  constructor(options: SweepOptions) {
    super(options);
    this.#options = options;
  }

  protected override async run(): Promise<void> {
    const { db, wake, log, now, also } = this.#options;
    try {
      const horizons = (await listAccounts(db)).map(({ id, timeZone }) => ({
        account: id,
        ...horizonOf(timeZone, now()),
      }));
      const at = new Date(now());
      await wake(await wantedCalendars(db, horizons, at, MOST_CALENDARS));
      const others = [
        ...(await calendarsToFollow(db, at, MOST_CALENDARS)),
        ...(await failedCalendarsDue(db, at, MOST_CALENDARS)),
        ...(await closingCalendars(db, MOST_CALENDARS)),
        ...(await calendarsToRead(db, at, MOST_ADDRESSES)),
      ];
      await wake([...new Set(others)].map((calendar) => ({ calendar, urgency: LEAST_URGENT })));
      await also();
      if (now() - this.#tidiedAt > DAY / 24) await this.#tidy();
    } catch (error) {
      if (isUnavailable(error)) log.warn({ err: error }, 'the sweep could not reach what it needs');
      else log.error({ err: error }, 'the sweep failed');
    }
  }

  async #tidy(): Promise<void> {
    const { db, now } = this.#options;
    await forgetEvents(db, new Date(now() - REMEMBER_EVENTS_MS));
    await forgetRefusedEvents(db, new Date(now() - REMEMBER_EVENTS_MS));
    await forgetRequests(db, new Date(now() - REMEMBER_REQUESTS_MS));
    await forgetBookings(db, new Date(now() - REMEMBER_VISITS_MS));
    await forgetBreaks(db, new Date(now() - REMEMBER_VISITS_MS));
    await forgetReleased(db, new Date(now() - REMEMBER_RELEASED_MS));
    await forgetStaged(db, new Date(now() - REMEMBER_STAGED_MS));
    await forgetRuns(db, new Date(now() - REMEMBER_RELEASED_MS));
    await forgetHolds(db, localDate(now() - 2 * DAY, 'UTC'));
    this.#tidiedAt = now();
  }
}
