/** How everything stands, in numbers: what waits, what failed, what is held, how old the oldest is. */
import type { DeliveryStatus } from '../delivery/delivery.js';
import type { Logger } from '../log.js';
import { OCCUPANCY_QUEUE, PUBLISH_QUEUE } from '../queue/names.js';
import { type AccountState, accountStates } from '../store/account-states.js';
import { listAccounts } from '../store/accounts.js';
import { goneServices } from '../store/address-services.js';
import { countClosing } from '../store/closing.js';
import { countConflicts } from '../store/conflicts.js';
import { followingTotals } from '../store/following.js';
import { countHeldDays } from '../store/holds.js';
import { countRefusedEvents } from '../store/refused-events.js';
import { totals } from '../store/wanted.js';
import { horizonOf } from '../sync/horizon.js';
import type { Parts } from './parts.js';
import type { Readiness } from './readiness.js';
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

const QUEUE_STATES = ['waiting', 'prioritized', 'active', 'delayed', 'failed'] as const;

/** @param now epoch milliseconds */
export async function statusOf(parts: Parts, now: number, log: Logger): Promise<Status> {
  const { database, delivery } = parts;
  const horizons = (await listAccounts(database.db)).map(({ id, timeZone }) => ({
    account: id,
    ...horizonOf(timeZone, now),
  }));
  const { pending, failed, oldest } = await totals(database.db, horizons);
  const following = await followingTotals(database.db);
  return {
    pending: pending + following.pending,
    failed: failed + following.failed,
    goneServices: (await goneServices(database.db, new Date(now))).length,
    held: await countHeldDays(database.db, horizons),
    closing: await countClosing(database.db),
    lag: oldest === null ? 0 : Math.max(0, now - oldest.getTime()),
    takenOnSale: await takenOnSale(database.db, now),
    conflicts: await countConflicts(database.db, new Date(now)),
    accounts: (await accountStates(database.db, new Date(now))).map(describeAccount),
    notifications: await delivery.status(),
    readiness: await parts.readiness.get(),
    queues: await queuesOf(parts, log),
  };
}

const describeAccount = ({ since, until, lastHeard, ...rest }: AccountState): AccountStatus => ({
  ...rest,
  since: since?.toISOString() ?? null,
  until: until?.toISOString() ?? null,
  lastHeard: lastHeard?.toISOString() ?? null,
});

async function queuesOf(
  { database, occupancyQueue, publishQueue, delivery }: Parts,
  log: Logger,
): Promise<Status['queues']> {
  try {
    const [occupancy, refused, publish, deliveries] = await Promise.all([
      occupancyQueue.getJobCounts(...QUEUE_STATES),
      countRefusedEvents(database.db),
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
