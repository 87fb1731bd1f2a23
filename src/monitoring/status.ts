/** The status of the engine in numbers: what is pending, what failed, what is held, and the age of the oldest change. */

import type { Database } from '../db/database.js';
import { type AccountState, listAccountStates } from '../db/tables/account-states.js';
import { listAccounts } from '../db/tables/accounts.js';
import { listGoneServices } from '../db/tables/address-services.js';
import { countClosingCalendars } from '../db/tables/closing-calendars.js';
import { countConflicts } from '../db/tables/conflicts.js';
import { countHeldDays } from '../db/tables/held-changes.js';
import { countBookingsToSync } from '../db/tables/linked-bookings.js';
import { countPendingDays } from '../db/tables/pending-calendars.js';
import { countRejectedEvents } from '../db/tables/rejected-events.js';
import type { Delivery, DeliveryStatus } from '../delivery/delivery-service.js';
import type { Logger } from '../lib/log.js';
import { horizonOf } from '../publishing/horizon.js';
import type { PublishQueue } from '../queue/publish-queue.js';
import { OCCUPANCY_QUEUE, PUBLISH_QUEUE } from '../queue/queue-names.js';
import type { JobQueue } from '../queue/queues.js';
import type { Readiness, ReadinessProbe } from './readiness.js';
import { type TakenOnSale, takenOnSale } from './taken-on-sale.js';

export interface Status {
  /**
   * Days in the horizon that are not published yet, and linked bookings that are not synced yet. 0: every desired day is
   * published.
   */
  readonly pending: number;
  /** Days that could not be published, and linked bookings that could not be synced. */
  readonly failed: number;
  /** Address services that windows name and that the marketplace no longer has. */
  readonly goneServices: number;
  /** Days with a held change that waits for a person. */
  readonly held: number;
  /** Deleted calendars and former addresses whose availability is still being removed. */
  readonly closing: number;
  /** The age of the oldest pending change in milliseconds; 0 when none is pending. */
  readonly lag: number;
  /** Busy time that is on sale, because the marketplace refused every way of closing it. */
  readonly takenOnSale: TakenOnSale;
  /** Times that are sold twice: a marketplace booking, and an appointment that it is not linked to. */
  readonly conflicts: number;
  /** The state of each account. */
  readonly accounts: readonly AccountStatus[];
  /** Notifications that are to be delivered to clinics. */
  readonly notifications: DeliveryStatus;
  /** Whether the process can commit, enqueue and publish. */
  readonly readiness: Readiness;
  /** The number of jobs by state, for each queue; empty when the queue is unavailable. */
  readonly queues: { readonly [queue: string]: { readonly [state: string]: number } };
}

export interface AccountStatus extends Pick<AccountState, 'account' | 'state' | 'reason'> {
  /** When the account was first refused; ISO 8601, null where it is not refused. */
  readonly since: string | null;
  /** When the pause ends; ISO 8601, null where the account is not paused. */
  readonly until: string | null;
  /** When an event or a snapshot of one of its calendars was last received, to the minute; null: never. */
  readonly lastHeard: string | null;
}

/** The services that the status is read from. */
export interface StatusSources {
  readonly database: Database;
  readonly delivery: Delivery;
  readonly readiness: ReadinessProbe;
  readonly occupancyQueue: JobQueue;
  readonly publishQueue: PublishQueue;
}

const QUEUE_STATES = ['waiting', 'prioritized', 'active', 'delayed', 'failed'] as const;

/** @param now epoch milliseconds */
export async function statusOf(sources: StatusSources, now: number, log: Logger): Promise<Status> {
  const { database, delivery } = sources;
  const horizons = (await listAccounts(database.db)).map(({ id, timeZone }) => ({
    account: id,
    ...horizonOf(timeZone, now),
  }));
  const { pending, failed, oldest } = await countPendingDays(database.db, horizons);
  const bookings = await countBookingsToSync(database.db);
  return {
    pending: pending + bookings.pending,
    failed: failed + bookings.failed,
    goneServices: (await listGoneServices(database.db, new Date(now))).length,
    held: [...(await countHeldDays(database.db, horizons)).values()].reduce((sum, days) => sum + days, 0),
    closing: await countClosingCalendars(database.db),
    lag: oldest === null ? 0 : Math.max(0, now - oldest.getTime()),
    takenOnSale: await takenOnSale(database.db, now),
    conflicts: await countConflicts(database.db, new Date(now)),
    accounts: (await listAccountStates(database.db, new Date(now))).map(describeAccount),
    notifications: await delivery.status(),
    readiness: await sources.readiness.get(),
    queues: await countJobs(sources, log),
  };
}

const describeAccount = ({ since, until, lastHeard, ...rest }: AccountState): AccountStatus => ({
  ...rest,
  since: since?.toISOString() ?? null,
  until: until?.toISOString() ?? null,
  lastHeard: lastHeard?.toISOString() ?? null,
});

async function countJobs(
  { database, occupancyQueue, publishQueue, delivery }: StatusSources,
  log: Logger,
): Promise<Status['queues']> {
  try {
    const [occupancy, refused, publish, deliveries] = await Promise.all([
      occupancyQueue.getJobCounts(...QUEUE_STATES),
      countRejectedEvents(database.db),
      publishQueue.countJobs(),
      delivery.counts(),
    ]);
    const failed = (occupancy.failed ?? 0) + refused;
    return { [OCCUPANCY_QUEUE]: { ...occupancy, failed }, [PUBLISH_QUEUE]: publish, ...deliveries };
  } catch (error) {
    log.warn({ err: error }, 'the queue is unavailable; the status has no job counts');
    return {};
  }
}
