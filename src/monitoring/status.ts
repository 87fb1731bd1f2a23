/** How everything stands, in numbers: what waits, what failed, what is held, how old the oldest is. */

import type { Database } from '../db/database.js';
import { type AccountState, listAccountStates } from '../db/tables/account-states.js';
import { listAccounts } from '../db/tables/accounts.js';
import { listGoneServices } from '../db/tables/address-services.js';
import { countClosingCalendars } from '../db/tables/closing-calendars.js';
import { countConflicts } from '../db/tables/conflicts.js';
import { countHeldDays } from '../db/tables/held-changes.js';
import { countBookingsToSync } from '../db/tables/linked-bookings.js';
import { totals } from '../db/tables/pending-calendars.js';
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
   * Days in the horizon that wait to be published, and bookings that have yet to follow their appointment. 0: everything
   * wanted is published.
   */
  readonly pending: number;
  /** Days that could not be published, bookings that could not follow. */
  readonly failed: number;
  /** Address services that windows name and that the marketplace no longer has. */
  readonly goneServices: number;
  /** Days that wait for a person. */
  readonly held: number;
  /** Deleted calendars and former addresses of which what is on sale is still being closed. */
  readonly closing: number;
  /** Milliseconds since the oldest change that is still pending; 0 when none is. */
  readonly lag: number;
  /** Time that is on sale although it must not be, because every way of closing it was refused. */
  readonly takenOnSale: TakenOnSale;
  /** Times that are sold twice: a marketplace booking, and an appointment that it is not linked to. */
  readonly conflicts: number;
  /** How each account stands. */
  readonly accounts: readonly AccountStatus[];
  /** What the marketplace said, on its way to the clinics. */
  readonly notifications: DeliveryStatus;
  /** Whether it can commit, queue and publish. */
  readonly readiness: Readiness;
  /** Jobs by state, for each queue that can be asked just now. */
  readonly queues: { readonly [queue: string]: { readonly [state: string]: number } };
}

export interface AccountStatus extends Pick<AccountState, 'account' | 'state' | 'reason'> {
  /** When it was first refused; ISO 8601, null where it is not. */
  readonly since: string | null;
  /** When the pause ends; ISO 8601, null where there is none. */
  readonly until: string | null;
  /** When an event or a snapshot last came for one of its calendars, to the minute; null: never. */
  readonly lastHeard: string | null;
}

/** The parts of an engine that the status is read from. */
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
  const { pending, failed, oldest } = await totals(database.db, horizons);
  const following = await countBookingsToSync(database.db);
  return {
    pending: pending + following.pending,
    failed: failed + following.failed,
    goneServices: (await listGoneServices(database.db, new Date(now))).length,
    held: await countHeldDays(database.db, horizons),
    closing: await countClosingCalendars(database.db),
    lag: oldest === null ? 0 : Math.max(0, now - oldest.getTime()),
    takenOnSale: await takenOnSale(database.db, now),
    conflicts: await countConflicts(database.db, new Date(now)),
    accounts: (await listAccountStates(database.db, new Date(now))).map(describeAccount),
    notifications: await delivery.status(),
    readiness: await sources.readiness.get(),
    queues: await queuesOf(sources, log),
  };
}

const describeAccount = ({ since, until, lastHeard, ...rest }: AccountState): AccountStatus => ({
  ...rest,
  since: since?.toISOString() ?? null,
  until: until?.toISOString() ?? null,
  lastHeard: lastHeard?.toISOString() ?? null,
});

async function queuesOf(
  { database, occupancyQueue, publishQueue, delivery }: StatusSources,
  log: Logger,
): Promise<Status['queues']> {
  try {
    const [occupancy, refused, publish, deliveries] = await Promise.all([
      occupancyQueue.getJobCounts(...QUEUE_STATES),
      countRejectedEvents(database.db),
      publishQueue.counts(),
      delivery.counts(),
    ]);
    const failed = (occupancy.failed ?? 0) + refused;
    return { [OCCUPANCY_QUEUE]: { ...occupancy, failed }, [PUBLISH_QUEUE]: publish, ...deliveries };
  } catch (error) {
    log.warn({ err: error }, 'the queue cannot be asked');
    return {};
  }
}
