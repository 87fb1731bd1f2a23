/**
 * What an address has is read and held against what the windows name: a service that is gone is offered no more, one that is
 * back is offered again, and the clinic is told of both, of durations that changed and of a calendar that is switched off.
 * Contract: Resources.
 */
import { classifyError, isPermanentRefusal } from '../context/classify-error.js';
import type { CalendarContext } from '../context/context.js';
import { MINUTE } from '../core/duration.js';
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

/** When a reading that failed is tried again. */
const AGAIN_AFTER_MS = 10 * MINUTE;

/** What the marketplace answered. */
interface Reading {
  /** Absent where they could not be read, or there are none: that says nothing of those that are known. */
  readonly services?: readonly ListedService[] | undefined;
  readonly status?: MarketplaceStatus | undefined;
}

/**
 * Reads the services of the calendar's address and whether its calendar can be booked, and writes them down. A reading that
 * fails changes nothing.
 * @returns whether what is on offer changes by it: a service that windows name is gone, or is back
 * @throws {FirewallError} and what is none of the marketplace's doing
 */
export async function readAddress(context: CalendarContext, priority: number): Promise<boolean> {
  const { db, calendar, now, log } = context;
  context.address.wasRead = true;
  const reading = await ask(context, priority);
  const at = new Date(now());
  if (reading.services === undefined && reading.status === undefined) {
    await scheduleAddressReads(db, [calendar.id], new Date(at.getTime() + AGAIN_AFTER_MS));
    return false;
  }
  const { gone, back, added } = await take(context, reading, at);
  context.delivery.enqueue(added);
  if (gone.length > 0) {
    log.warn(
      { calendar: calendar.id, services: gone },
      'services are gone from the address; they are left out',
    );
  }
  return gone.length + back.length > 0;
}

/** The same, where it is due and was not done in this run. It is nothing that would hold up other work. */
export async function readDueAddress(context: CalendarContext): Promise<boolean> {
  if (
    context.address.wasRead ||
    !(await isAddressReadDue(context.db, context.calendar.id, new Date(context.now())))
  )
    return false;
  return await readAddress(context, LOWEST_PRIORITY);
}

/** The marketplace's reason, and what the address lacks that may be the cause; it is read for that once in a run. */
export async function explainRefusal(context: CalendarContext, reason: string): Promise<string> {
  if (!context.address.wasRead) await readAddress(context, LOWEST_PRIORITY);
  const address = await getAddress(context.db, context.calendar.id);
  const gone = (address?.services ?? []).filter(({ goneSince }) => goneSince !== null);
  return [
    reason,
    ...(address?.status === 'disabled' ? ['the calendar is switched off in the marketplace'] : []),
    ...gone.map((service) => `the address no longer has the service ${spelled(service)}`),
  ].join('; ');
}

export const spelled = ({ id, name }: Pick<AddressService, 'id' | 'name'>): string =>
  name === null ? id : `${id} (${name})`;

async function ask(context: CalendarContext, priority: number): Promise<Reading> {
  const { calendar } = context;
  const client = context.client(priority);
  // With a `start` only those that are offered on that date would be listed.
  const listed = await tryTo(context, () => client.getAddressServices(calendar));
  if (listed === 'unanswered') return {};
  const services = listed === 'refused' || listed.length === 0 ? undefined : listed;
  const answered = await tryTo(context, () => client.getCalendar(calendar));
  if (answered === 'refused' || answered === 'unanswered') return { services };
  // It says `none` of an address that is gone, too.
  return listed === 'refused' && answered.status === 'none' ? {} : { services, status: answered.status };
}

async function tryTo<Answer>(
  context: CalendarContext,
  read: () => Promise<Answer>,
): Promise<Answer | 'refused' | 'unanswered'> {
  try {
    return await read();
  } catch (error) {
    const failure = classifyError(error, context.now());
    // It concerns more than this reading.
    const isOfAccount = failure.kind === 'retry' && failure.accountRefusal !== undefined;
    if (failure.kind === 'firewall' || failure.kind === 'unknown' || isOfAccount) throw error;
    context.log.warn(
      { calendar: context.calendar.id, reason: failure.reason },
      'what an address has could not be read',
    );
    return isPermanentRefusal(error) ? 'refused' : 'unanswered';
  }
}

interface Taken {
  /** Ids of services that windows name. */
  readonly gone: readonly string[];
  readonly back: readonly string[];
  readonly added: readonly AddedNotification[];
}

/** Takes it into the record, and tells the clinic what is new in it. */
async function take(
  { db, calendar, account, encryptor }: CalendarContext,
  reading: Reading,
  now: Date,
): Promise<Taken> {
  return await db.transaction().execute(async (tx) => {
    const known = (await lockCalendarAtAddress(tx, calendar)) ? await getAddress(tx, calendar.id) : undefined;
    if (known === undefined) return { gone: [], back: [], added: [] };
    const services =
      reading.services &&
      servicesOf(reading.services, known, await findServicesInUse(tx, calendar.id, now), now);
    const news = differencesOf(known, { services, status: reading.status });
    if (services !== undefined) await saveAddressServices(tx, calendar.id, services);
    await recordAddressRead(tx, calendar.id, reading.status ?? known.status, now);
    const [gone, back] = [idsOf(news, 'service-gone'), idsOf(news, 'service-back')];
    for (const id of [...gone, ...back]) await markDaysOfService(tx, calendar.id, id, now);
    // What is about to be removed is no news.
    const items =
      calendar.closing === undefined ? news.map((one) => itemOf(account.id, calendar.id, one, now)) : [];
    return { gone, back, added: (await addNotifications(tx, encryptor, items, now)).added };
  });
}

/** Those that are listed, and those that windows name and that are not. */
function servicesOf(
  listed: readonly ListedService[],
  known: Address,
  inUse: ReadonlySet<string>,
  now: Date,
): AddressService[] {
  const before = new Map(known.services.map((service) => [service.id, service]));
  const there = new Map(
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
    .filter((id) => !there.has(id))
    .map((id): AddressService => {
      const { name = null, duration = null, goneSince = null } = before.get(id) ?? {};
      return { id, name, duration, goneSince: goneSince ?? now };
    });
  return [...there.values(), ...gone];
}

type News =
  | { readonly name: 'service-gone' | 'service-back'; readonly service: AddressService }
  | {
      readonly name: 'service-changed';
      readonly service: AddressService;
      readonly before: number;
      readonly after: number;
    }
  | { readonly name: 'calendar-disabled' | 'calendar-enabled' };

/** What is not as it was when it was last read. */
function differencesOf(
  known: Address,
  read: { readonly services: readonly AddressService[] | undefined; readonly status: Reading['status'] },
): News[] {
  const before = new Map(known.services.map((service) => [service.id, service]));
  const news: News[] = [];
  for (const service of read.services ?? []) {
    const old = before.get(service.id);
    const wasGone = old !== undefined && old.goneSince !== null;
    if (service.goneSince !== null && !wasGone) news.push({ name: 'service-gone', service });
    if (service.goneSince === null && wasGone) news.push({ name: 'service-back', service });
    const [from, to] = [old?.duration ?? null, service.duration];
    if (from !== null && to !== null && from !== to) {
      news.push({ name: 'service-changed', service, before: from, after: to });
    }
  }
  if (read.status === 'disabled' && known.status !== 'disabled') news.push({ name: 'calendar-disabled' });
  if (read.status === 'enabled' && known.status === 'disabled') news.push({ name: 'calendar-enabled' });
  return news;
}

const idsOf = (news: readonly News[], name: 'service-gone' | 'service-back'): string[] =>
  news.flatMap((one) => (one.name === name ? [one.service.id] : []));

/** It is about no person. The moment tells it from the same that happened before. */
function itemOf(account: string, calendar: string, news: News, now: Date): NewNotification {
  const { name } = news;
  const service = 'service' in news ? { id: news.service.id, name: news.service.name } : undefined;
  return {
    account,
    calendar,
    name,
    hash: JSON.stringify([name, calendar, service?.id ?? null, now.toISOString()]),
    createdAt: null,
    source: 'engine',
    data: {
      ...(service === undefined ? {} : { service }),
      ...(news.name === 'service-changed' ? { before: news.before, after: news.after } : {}),
    },
  };
}
