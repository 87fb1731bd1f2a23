/** Tries failures again or gives them up, however many: one statement for all of a kind. */
import { z } from 'zod';
import type { Resolved } from '../api/failures-api.js';
import { retryDeadlock } from '../db/retry.js';
import type { Db } from '../db/schema.js';
import { retryRefusedAccount } from '../db/tables/account-states.js';
import { dropGoneServices, retryGoneServices, type ServiceKey } from '../db/tables/address-services.js';
import { type DeliveryKey, dropNotifications, retryNotifications } from '../db/tables/deliveries.js';
import {
  type DayKey,
  dropFailedCalendars,
  dropFailedDays,
  retryFailedCalendars,
  retryFailedDays,
} from '../db/tables/failures.js';
import { type BookingKey, refusedAmong, retryBookings } from '../db/tables/linked-bookings.js';
import { deleteRejectedEvents, findRejectedEventsByKey } from '../db/tables/rejected-events.js';
import { isStorable } from '../lib/storable-text.js';
import type { JobQueue } from '../queue/queues.js';

export interface ResolveFailuresOptions {
  readonly db: Db;
  readonly occupancyQueue: JobQueue;
  /** Has a calendar published soon. */
  readonly enqueue: (calendar: string) => Promise<void>;
  /** Has what is open there brought to the clinic at once. */
  readonly deliver: (key: DeliveryKey) => Promise<void>;
  /** Ends all waits for the webhook of the account. @returns whether there were any */
  readonly retryClinic: (account: string) => Promise<boolean>;
  /** Has the account ask for a token at its next request, without a pause. */
  readonly renewClient: (account: string) => void;
  /** Leaves bookings as they are, linked to nothing any more. */
  readonly unlink: (bookings: readonly BookingKey[]) => Promise<void>;
  readonly now: () => number;
}

type Verb = 'retry' | 'drop';

/** An id of a failure, read: `kind/name/rest`. */
interface Named {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly rest: string;
}

/** What is settled at once: of more, those that are put on a queue have the others wait. */
const AT_ONCE = 1_000;
/** Queued at once; the sweep and the round find the others. */
const MAX_QUEUED = 1_000;

export async function resolveFailures(
  options: ResolveFailuresOptions,
  verb: Verb,
  ids: readonly string[],
): Promise<Resolved> {
  const asked = [...new Set(ids)];
  const byKind = new Map<string, Named[]>();
  for (const named of asked.flatMap(parse)) {
    const others = byKind.get(named.kind);
    if (others === undefined) byKind.set(named.kind, [named]);
    else others.push(named);
  }
  const found = new Set<string>();
  for (const [kind, all] of byKind) {
    const settle = kinds[kind];
    if (settle === undefined) continue;
    for (let from = 0; from < all.length; from += AT_ONCE) {
      const some = all.slice(from, from + AT_ONCE);
      for (const id of await settle(options, verb, some)) found.add(id);
    }
  }
  const unknown = asked.filter((id) => !found.has(id));
  return { done: asked.length - unknown.length, unknown };
}

/** @returns the ids of those that were failures */
type Settle = (options: ResolveFailuresOptions, verb: Verb, some: readonly Named[]) => Promise<string[]>;

const kinds: { readonly [kind: string]: Settle } = {
  day: async (options, verb, some) => {
    const days = some.map(({ name, rest }): DayKey => ({ calendar: name, date: rest }));
    const settle = verb === 'retry' ? retryFailedDays : dropFailedDays;
    const found = await retryDeadlock(() => settle(options.db, days));
    if (verb === 'retry') await enqueueAll(options, found.map(calendarOf));
    return found.map(({ calendar, date }) => `day/${calendar}/${date}`);
  },

  calendar: async (options, verb, some) => {
    const settle = verb === 'retry' ? retryFailedCalendars : dropFailedCalendars;
    const names = some.map(({ name }) => name);
    const found = await retryDeadlock(() => settle(options.db, names));
    if (verb === 'retry') await enqueueAll(options, found);
    return found.map((calendar) => `calendar/${calendar}`);
  },

  service: async (options, verb, some) => {
    const { db, now } = options;
    const services = some.map(({ name, rest }): ServiceKey => ({ calendar: name, service: rest }));
    const found = await retryDeadlock(() =>
      verb === 'retry' ? retryGoneServices(db, services, new Date(now())) : dropGoneServices(db, services),
    );
    if (verb === 'retry') await enqueueAll(options, found.map(calendarOf));
    return found.map(({ calendar, service }) => `service/${calendar}/${service}`);
  },

  booking: async (options, verb, some) => {
    const { db, unlink } = options;
    const bookings = some.map(({ name, rest }): BookingKey => ({ calendar: name, id: rest }));
    const settle = verb === 'retry' ? retryBookings : refusedAmong;
    const found = await retryDeadlock(() => settle(db, bookings));
    if (verb === 'drop' && found.length > 0) await unlink(found);
    await enqueueAll(options, found.map(calendarOf));
    return found.map(({ calendar, id }) => `booking/${calendar}/${id}`);
  },

  event: async ({ db, occupancyQueue }, verb, some) => {
    let ids = some.map(({ name }) => name).filter((id) => /^\d{1,18}$/.test(id));
    if (verb === 'retry') {
      const events = (await findRejectedEventsByKey(db, ids)).flatMap(({ id, data }) =>
        data === null ? [] : [{ id, data }],
      );
      // Back to the queue first: an event that is there twice counts once.
      await occupancyQueue.addBulk(events.map(({ data }) => ({ name: 'retried', data: JSON.parse(data) })));
      ids = events.map(({ id }) => id);
    }
    return (await deleteRejectedEvents(db, ids)).map((id) => `event/${id}`);
  },

  notification: async ({ db, deliver, retryClinic, now }, verb, some) => {
    const names = some.map(({ name }) => name);
    const at = new Date(now());
    if (verb === 'drop') {
      const dropped = await retryDeadlock(() => dropNotifications(db, names, at));
      return dropped.map((id) => `notification/${id}`);
    }
    const found = await retryDeadlock(() => retryNotifications(db, names, at));
    const keys = new Map(
      found.map(({ account, calendar }) => [JSON.stringify([account, calendar]), { account, calendar }]),
    );
    for (const key of [...keys.values()].slice(0, MAX_QUEUED)) await deliver(key);
    for (const account of new Set(found.map(({ account }) => account))) await retryClinic(account);
    return found.map(({ id }) => `notification/${id}`);
  },

  account: async (options, verb, some) => {
    if (verb === 'drop') return [];
    const found: string[] = [];
    for (const { id, name } of some) {
      const calendars = await retryRefusedAccount(options.db, name);
      if (calendars === undefined) continue;
      options.renewClient(name);
      await enqueueAll(options, calendars);
      found.push(id);
    }
    return found;
  },

  delivery: async ({ retryClinic }, verb, some) => {
    const found: string[] = [];
    for (const { id, name } of some) {
      if (verb === 'retry' && (await retryClinic(name))) found.push(id);
    }
    return found;
  },
};

const calendarOf = ({ calendar }: { readonly calendar: string }): string => calendar;

async function enqueueAll({ enqueue }: ResolveFailuresOptions, calendars: readonly string[]): Promise<void> {
  for (const calendar of [...new Set(calendars)].slice(0, MAX_QUEUED)) await enqueue(calendar);
}

/** None where it cannot be the id of anything, such as one with a character that PostgreSQL's text does not have. */
function parse(id: string): Named[] {
  if (!isStorable(id)) return [];
  const [kind = '', name = '', ...others] = id.split('/');
  const rest = others.join('/');
  if (kind === 'day' && !z.iso.date().safeParse(rest).success) return [];
  return [{ id, kind, name, rest }];
}
