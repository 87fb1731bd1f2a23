/** Retries or drops any number of failures, with one statement for each batch of a kind. */
import { z } from 'zod';
import type { Resolved } from '../api/failures-api.js';
import { LOWEST_PRIORITY } from '../core/index.js';
import { retryDeadlock } from '../db/retry.js';
import type { Db } from '../db/schema.js';
import { retryRefusedAccount } from '../db/tables/account-states.js';
import { dropGoneServices, retryGoneServices, type ServiceKey } from '../db/tables/address-services.js';
import { dropFailedNotifications, retryFailedNotifications } from '../db/tables/deliveries.js';
import {
  type DayKey,
  dropFailedCalendars,
  dropFailedDays,
  retryFailedCalendars,
  retryFailedDays,
} from '../db/tables/failures.js';
import { type NewHistoryEntry, saveHistory } from '../db/tables/history.js';
import { type BookingKey, findRefusedBookings, retryRefusedBookings } from '../db/tables/linked-bookings.js';
import { deleteRejectedEvents, findRejectedEvents } from '../db/tables/rejected-events.js';
import type { Delivery } from '../delivery/delivery-service.js';
import { distinctKeys } from '../delivery/distinct-keys.js';
import { isStorable } from '../lib/storable-text.js';
import type { BookingLinker } from '../linked-bookings/booking-linker.js';
import type { PublishEnqueuer } from '../queue/publish-enqueuer.js';
import type { JobQueue } from '../queue/queues.js';
import type { ClientPool } from '../rate-limit/client-pool.js';

export interface ResolveFailuresOptions {
  readonly db: Db;
  readonly occupancyQueue: JobQueue;
  readonly enqueuer: Pick<PublishEnqueuer, 'enqueueCalendar'>;
  readonly delivery: Pick<Delivery, 'retryNow' | 'retryClinic'>;
  readonly clients: Pick<ClientPool, 'renew'>;
  readonly linker: Pick<BookingLinker, 'unlink'>;
  readonly now: () => number;
}

type Verb = 'retry' | 'drop';

/** A parsed id of a failure: `kind/name/rest`. */
interface FailureId {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly rest: string;
}

/** The size of one statement. It also limits the jobs that are added to a queue together, which delay the others. */
const BATCH_SIZE = 1_000;
/** The sweeps enqueue the rest. */
const MAX_ENQUEUED = 1_000;

export async function resolveFailures(
  options: ResolveFailuresOptions,
  verb: Verb,
  ids: readonly string[],
  actor: string,
): Promise<Resolved> {
  const requested = [...new Set(ids)];
  const byKind = new Map<string, FailureId[]>();
  for (const id of requested.flatMap(parseFailureId)) {
    byKind.set(id.kind, [...(byKind.get(id.kind) ?? []), id]);
  }
  const found = new Set<string>();
  for (const [kind, all] of byKind) {
    const resolve = resolvers[kind];
    if (resolve === undefined) continue;
    for (let from = 0; from < all.length; from += BATCH_SIZE) {
      const batch = all.slice(from, from + BATCH_SIZE);
      const resolved = new Set(await resolve(options, verb, batch));
      const at = new Date(options.now());
      const entries = batch
        .filter(({ id }) => resolved.has(id))
        .map((id) => toHistory(id, verb === 'retry' ? 'retried' : 'dropped', at, actor));
      await saveHistory(options.db, entries);
      for (const id of resolved) found.add(id);
    }
  }
  const unknown = requested.filter((id) => !found.has(id));
  return { done: requested.length - unknown.length, unknown };
}

function toHistory(
  { id, kind: what, name, rest }: FailureId,
  kind: 'retried' | 'dropped',
  at: Date,
  actor: string,
): NewHistoryEntry {
  const entry = { kind, at, actor, detail: { what, failure: id } };
  switch (what) {
    case 'day':
      return { ...entry, calendar: name, date: rest };
    case 'calendar':
    case 'service':
      return { ...entry, calendar: name };
    case 'booking':
      return { ...entry, calendar: name, booking: rest };
    case 'account':
    case 'delivery':
      return { ...entry, account: name };
    default:
      return entry;
  }
}

/** @returns the ids under which something had failed */
type Resolver = (
  options: ResolveFailuresOptions,
  verb: Verb,
  batch: readonly FailureId[],
) => Promise<string[]>;

const resolvers: { readonly [kind: string]: Resolver } = {
  day: async (options, verb, batch) => {
    const days = batch.map(({ name, rest }): DayKey => ({ calendar: name, date: rest }));
    const resolve = verb === 'retry' ? retryFailedDays : dropFailedDays;
    const found = await retryDeadlock(() => resolve(options.db, days));
    if (verb === 'retry') await enqueueAll(options, found.map(calendarOf));
    return found.map(({ calendar, date }) => `day/${calendar}/${date}`);
  },

  calendar: async (options, verb, batch) => {
    const resolve = verb === 'retry' ? retryFailedCalendars : dropFailedCalendars;
    const names = batch.map(({ name }) => name);
    const found = await retryDeadlock(() => resolve(options.db, names));
    if (verb === 'retry') await enqueueAll(options, found);
    return found.map((calendar) => `calendar/${calendar}`);
  },

  service: async (options, verb, batch) => {
    const { db, now } = options;
    const services = batch.map(({ name, rest }): ServiceKey => ({ calendar: name, service: rest }));
    const found = await retryDeadlock(() =>
      verb === 'retry' ? retryGoneServices(db, services, new Date(now())) : dropGoneServices(db, services),
    );
    if (verb === 'retry') await enqueueAll(options, found.map(calendarOf));
    return found.map(({ calendar, service }) => `service/${calendar}/${service}`);
  },

  booking: async (options, verb, batch) => {
    const { db, linker } = options;
    const bookings = batch.map(({ name, rest }): BookingKey => ({ calendar: name, id: rest }));
    const resolve = verb === 'retry' ? retryRefusedBookings : findRefusedBookings;
    const found = await retryDeadlock(() => resolve(db, bookings));
    // A dropped booking stays as it is, without a link to an appointment.
    if (verb === 'drop' && found.length > 0) await linker.unlink(found);
    await enqueueAll(options, found.map(calendarOf));
    return found.map(({ calendar, id }) => `booking/${calendar}/${id}`);
  },

  event: async ({ db, occupancyQueue }, verb, batch) => {
    let ids = batch.map(({ name }) => name).filter((id) => /^\d{1,18}$/.test(id));
    if (verb === 'retry') {
      const events = (await findRejectedEvents(db, ids)).flatMap(({ id, data }) =>
        data === null ? [] : [{ id, data }],
      );
      // Adding before deleting loses no event, and an event that is queued twice is applied once.
      await occupancyQueue.addBulk(events.map(({ data }) => ({ name: 'retried', data: JSON.parse(data) })));
      ids = events.map(({ id }) => id);
    }
    return (await deleteRejectedEvents(db, ids)).map((id) => `event/${id}`);
  },

  notification: async ({ db, delivery, now }, verb, batch) => {
    const names = batch.map(({ name }) => name);
    const at = new Date(now());
    if (verb === 'drop') {
      const dropped = await retryDeadlock(() => dropFailedNotifications(db, names, at));
      return dropped.map((id) => `notification/${id}`);
    }
    const found = await retryDeadlock(() => retryFailedNotifications(db, names, at));
    for (const key of distinctKeys(found).slice(0, MAX_ENQUEUED)) await delivery.retryNow(key);
    for (const account of new Set(found.map(({ account }) => account))) await delivery.retryClinic(account);
    return found.map(({ id }) => `notification/${id}`);
  },

  account: async (options, verb, batch) => {
    if (verb === 'drop') return [];
    const found: string[] = [];
    for (const { id, name } of batch) {
      const calendars = await retryRefusedAccount(options.db, name);
      if (calendars === undefined) continue;
      // The next request fetches a new token without a pause.
      options.clients.renew(name);
      await enqueueAll(options, calendars);
      found.push(id);
    }
    return found;
  },

  delivery: async ({ delivery }, verb, batch) => {
    const found: string[] = [];
    for (const { id, name } of batch) {
      if (verb === 'retry' && (await delivery.retryClinic(name))) found.push(id);
    }
    return found;
  },
};

const calendarOf = ({ calendar }: { readonly calendar: string }): string => calendar;

async function enqueueAll({ enqueuer }: ResolveFailuresOptions, calendars: readonly string[]): Promise<void> {
  for (const calendar of [...new Set(calendars)].slice(0, MAX_ENQUEUED)) {
    await enqueuer.enqueueCalendar(calendar, LOWEST_PRIORITY);
  }
}

/** Empty where nothing can have the id, such as one with a character that PostgreSQL cannot store. */
function parseFailureId(id: string): FailureId[] {
  if (!isStorable(id)) return [];
  const [kind = '', name = '', ...others] = id.split('/');
  const rest = others.join('/');
  if (kind === 'day' && !z.iso.date().safeParse(rest).success) return [];
  return [{ id, kind, name, rest }];
}
