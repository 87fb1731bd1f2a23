/**
 * Reads the services of an address and compares them with the services of its windows: a service that is gone is not
 * published any more, one that is back is published again, and the PMS is notified of both, of changed durations and of a
 * calendar that is switched off. Contract: Resources.
 */

import { classifyError, isPermanentRefusal } from '../context/classify-error.js';
import type { CalendarContext } from '../context/context.js';
import { LOWEST_PRIORITY } from '../core/index.js';
import {
  type Address,
  type AddressService,
  findServicesInUse,
  getAddress,
  type MarketplaceStatus,
  saveAddressServices,
} from '../db/tables/address-services.js';
import { isAddressReadDue, recordAddressRead, scheduleAddressReads } from '../db/tables/calendar-reads.js';
import { lockCalendarAtAddress } from '../db/tables/calendars.js';
import { markDaysOfService } from '../db/tables/days.js';
import {
  type AddedNotification,
  addNotifications,
  type NewNotification,
} from '../db/tables/notifications.js';
import type { AddressService as ListedService } from '../docplanner/index.js';

/** When a failed read is retried. */
const RETRY_MS = 10 * 60_000;

/** What the marketplace returned. */
interface FetchedAddress {
  /** Absent where the services could not be read, or none are listed: the stored services stay as they are. */
  readonly services?: readonly ListedService[] | undefined;
  readonly status?: MarketplaceStatus | undefined;
}

/**
 * Reads the services of the calendar's address and whether its calendar can be booked, and saves them. A failed read changes
 * nothing.
 * @returns whether the desired days change by it: a service of the windows is gone, or is back
 * @throws {FirewallError} and errors that do not come from the marketplace
 */
export async function readAddress(context: CalendarContext, priority: number): Promise<boolean> {
  const { db, calendar, now, log } = context;
  context.address.wasRead = true;
  const fetched = await fetchAddress(context, priority);
  const at = new Date(now());
  if (fetched.services === undefined && fetched.status === undefined) {
    await scheduleAddressReads(db, [calendar.id], new Date(at.getTime() + RETRY_MS));
    return false;
  }
  const { gone, back, added } = await saveFetched(context, fetched, at);
  context.delivery.enqueue(added);
  if (gone.length > 0) {
    log.warn(
      { calendar: calendar.id, services: gone },
      'services are gone from the address; they are left out',
    );
  }
  return gone.length + back.length > 0;
}

/** Reads the address where its read is due and this reconcile has not read it. A failed read delays no other work. */
export async function readDueAddress(context: CalendarContext): Promise<boolean> {
  if (
    context.address.wasRead ||
    !(await isAddressReadDue(context.db, context.calendar.id, new Date(context.now())))
  )
    return false;
  return await readAddress(context, LOWEST_PRIORITY);
}

/**
 * The marketplace's reason, with what the address lacks that may be the cause; the address is read for it once in a
 * reconcile.
 */
export async function explainRefusal(context: CalendarContext, reason: string): Promise<string> {
  if (!context.address.wasRead) await readAddress(context, LOWEST_PRIORITY);
  const address = await getAddress(context.db, context.calendar.id);
  const gone = (address?.services ?? []).filter(({ goneSince }) => goneSince !== null);
  return [
    reason,
    ...(address?.status === 'disabled' ? ['the calendar is switched off in the marketplace'] : []),
    ...gone.map((service) => `the address no longer has the service ${formatService(service)}`),
  ].join('; ');
}

export const formatService = ({ id, name }: Pick<AddressService, 'id' | 'name'>): string =>
  name === null ? id : `${id} (${name})`;

async function fetchAddress(context: CalendarContext, priority: number): Promise<FetchedAddress> {
  const { calendar } = context;
  const client = context.client(priority);
  // With a `start`, only the services that are offered on that date would be listed.
  const listed = await tryTo(context, () => client.getAddressServices(calendar));
  if (listed === 'unanswered') return {};
  const services = listed === 'refused' || listed.length === 0 ? undefined : listed;
  const answered = await tryTo(context, () => client.getCalendar(calendar));
  if (answered === 'refused' || answered === 'unanswered') return { services };
  // The marketplace returns the status `none` for a missing address too.
  return listed === 'refused' && answered.status === 'none' ? {} : { services, status: answered.status };
}

async function tryTo<Answer>(
  context: CalendarContext,
  read: () => Promise<Answer>,
): Promise<Answer | 'refused' | 'unanswered'> {
  try {
    return await read();
  } catch (error) {
    const classified = classifyError(error, context.now());
    // The error concerns the whole account.
    const isOfAccount = classified.kind === 'retry' && classified.accountRefusal !== undefined;
    if (classified.kind === 'firewall' || classified.kind === 'unknown' || isOfAccount) throw error;
    context.log.warn(
      { calendar: context.calendar.id, reason: classified.reason },
      'the services of an address could not be read',
    );
    return isPermanentRefusal(error) ? 'refused' : 'unanswered';
  }
}

interface AddressChanges {
  /** Ids of services that windows name. */
  readonly gone: readonly string[];
  readonly back: readonly string[];
  readonly added: readonly AddedNotification[];
}

/** Saves what was read, and adds notifications of what changed. */
async function saveFetched(
  { db, calendar, account, encryptor }: CalendarContext,
  fetched: FetchedAddress,
  now: Date,
): Promise<AddressChanges> {
  return await db.transaction().execute(async (tx) => {
    const known = (await lockCalendarAtAddress(tx, calendar)) ? await getAddress(tx, calendar.id) : undefined;
    if (known === undefined) return { gone: [], back: [], added: [] };
    const services =
      fetched.services &&
      servicesOf(fetched.services, known, await findServicesInUse(tx, calendar.id, now), now);
    const changes = differencesOf(known, { services, status: fetched.status });
    if (services !== undefined) await saveAddressServices(tx, calendar.id, services);
    await recordAddressRead(tx, calendar.id, fetched.status ?? known.status, now);
    const [gone, back] = [idsOf(changes, 'service-gone'), idsOf(changes, 'service-back')];
    for (const id of [...gone, ...back]) await markDaysOfService(tx, calendar.id, id, now);
    // A calendar that is about to be removed notifies nothing.
    const items =
      calendar.closing === undefined
        ? changes.map((one) => toNotification(account.id, calendar.id, one, now))
        : [];
    return { gone, back, added: (await addNotifications(tx, encryptor, items, now)).added };
  });
}

/** The listed services, and those that windows name and that are not listed. */
function servicesOf(
  listed: readonly ListedService[],
  known: Address,
  inUse: ReadonlySet<string>,
  now: Date,
): AddressService[] {
  const before = new Map(known.services.map((service) => [service.id, service]));
  const listedById = new Map(
    listed.map(({ id, name, custom_name: ownName, default_duration: duration }): [string, AddressService] => [
      id,
      {
        id,
        name: ownName ?? name ?? null,
        duration: duration ?? before.get(id)?.duration ?? null,
        goneSince: null,
      },
    ]),
  );
  const gone = [...inUse]
    .filter((id) => !listedById.has(id))
    .map((id): AddressService => {
      const { name = null, duration = null, goneSince = null } = before.get(id) ?? {};
      return { id, name, duration, goneSince: goneSince ?? now };
    });
  return [...listedById.values(), ...gone];
}

type AddressChange =
  | { readonly name: 'service-gone' | 'service-back'; readonly service: AddressService }
  | {
      readonly name: 'service-changed';
      readonly service: AddressService;
      readonly before: number;
      readonly after: number;
    }
  | { readonly name: 'calendar-disabled' | 'calendar-enabled' };

/** What changed since the address was last read. */
function differencesOf(
  known: Address,
  read: {
    readonly services: readonly AddressService[] | undefined;
    readonly status: FetchedAddress['status'];
  },
): AddressChange[] {
  const before = new Map(known.services.map((service) => [service.id, service]));
  const changes: AddressChange[] = [];
  for (const service of read.services ?? []) {
    const old = before.get(service.id);
    const wasGone = old !== undefined && old.goneSince !== null;
    if (service.goneSince !== null && !wasGone) changes.push({ name: 'service-gone', service });
    if (service.goneSince === null && wasGone) changes.push({ name: 'service-back', service });
    const [from, to] = [old?.duration ?? null, service.duration];
    if (from !== null && to !== null && from !== to) {
      changes.push({ name: 'service-changed', service, before: from, after: to });
    }
  }
  if (read.status === 'disabled' && known.status !== 'disabled') changes.push({ name: 'calendar-disabled' });
  if (read.status === 'enabled' && known.status === 'disabled') changes.push({ name: 'calendar-enabled' });
  return changes;
}

const idsOf = (changes: readonly AddressChange[], name: 'service-gone' | 'service-back'): string[] =>
  changes.flatMap((one) => (one.name === name ? [one.service.id] : []));

/** A notification about no person. Its hash contains the time, so that a repeated change is a new notification. */
function toNotification(
  account: string,
  calendar: string,
  changes: AddressChange,
  now: Date,
): NewNotification {
  const { name } = changes;
  const service = 'service' in changes ? { id: changes.service.id, name: changes.service.name } : undefined;
  return {
    account,
    calendar,
    name,
    hash: JSON.stringify([name, calendar, service?.id ?? null, now.toISOString()]),
    createdAt: null,
    source: 'engine',
    data: {
      ...(service === undefined ? {} : { service }),
      ...(changes.name === 'service-changed' ? { before: changes.before, after: changes.after } : {}),
    },
  };
}
