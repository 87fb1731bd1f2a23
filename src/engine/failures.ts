/** What failed, in one list: days, calendars, services, bookings, events and notifications, each with its reason, to be retried or dropped. */

import { z } from 'zod';
import { refSchema } from '../intake/vocabulary.js';
import type { JobQueue } from '../queue/queues.js';
import { dropService, type GoneService, goneServices, retryService } from '../store/address-services.js';
import {
  type DeliveryKey,
  dropNotification,
  type FailedNotification,
  failedNotifications,
  retryNotification,
  type WaitingDelivery,
  waitingDeliveries,
} from '../store/deliveries.js';
import {
  dropCalendar,
  dropDay,
  failedCalendars,
  failedDays,
  retryCalendar,
  retryDay,
} from '../store/failures.js';
import { isRefused, refusedBookings, retryBooking } from '../store/following.js';
import {
  deleteRefusedEvent,
  findRefusedEvent,
  type RefusedEvent,
  refusedEvents,
} from '../store/refused-events.js';
import type { Db } from '../store/schema.js';
import { spelled } from '../sync/address-services.js';
import type { Failure, FailuresFace, Settled } from './failures-face.js';

export interface FailuresOptions {
  readonly db: Db;
  readonly occupancyQueue: JobQueue;
  readonly wake: (calendar: string) => Promise<void>;
  /** Has what is open there brought to the clinic at once. */
  readonly deliver: (key: DeliveryKey) => Promise<void>;
  /** Ends all waits for the webhook of the account. @returns whether there were any */
  readonly retryClinic: (account: string) => Promise<boolean>;
  /** Leaves a booking as it is, linked to nothing any more. */
  readonly unlink: (calendar: string, booking: string) => Promise<void>;
  readonly now: () => number;
}

const MOST_EVENTS = 1_000;
const MOST_NOTIFICATIONS = 10_000;
const named = z.object({ id: refSchema.nullish().catch(null), calendar: refSchema.nullish().catch(null) });

export class Failures implements FailuresFace {
  readonly #options: FailuresOptions;

  constructor(options: FailuresOptions) {
    this.#options = options;
  }

  async list(): Promise<Failure[]> {
    const { db, now } = this.#options;
    const [calendars, days, services, events, bookings, notifications, deliveries] = await Promise.all([
      failedCalendars(db),
      failedDays(db),
      goneServices(db, new Date(now())),
      refusedEvents(db, MOST_EVENTS),
      refusedBookings(db),
      failedNotifications(db, MOST_NOTIFICATIONS),
      waitingDeliveries(db),
    ]);
    return [
      ...calendars.map(
        ({ calendar, reason, at, retryAt }): Failure => ({
          kind: 'calendar',
          id: `calendar/${calendar}`,
          calendar,
          reason,
          since: at.toISOString(),
          retryAt: retryAt?.toISOString() ?? null,
        }),
      ),
      ...days.map(
        ({ calendar, date, retryAt, error: { reason, expected, shown, closedBy } }): Failure => ({
          kind: 'day',
          id: `day/${calendar}/${date}`,
          calendar,
          date,
          reason,
          retryAt: retryAt?.toISOString() ?? null,
          ...(closedBy === undefined ? {} : { closedBy }),
          ...(expected === undefined ? {} : { expected }),
          ...(shown === undefined ? {} : { shown }),
        }),
      ),
      ...services.map(describeService),
      ...events.map(describeEvent),
      ...bookings.map(
        ({ calendar, id, reason }): Failure => ({
          kind: 'booking',
          id: `booking/${calendar}/${id}`,
          calendar,
          booking: id,
          reason,
        }),
      ),
      ...deliveries.map(describeDelivery),
      ...notifications.map(describe),
    ];
  }

  /** Tries failures again, or gives them up: what they are about is then no longer wanted. */
  async settle(verb: 'retry' | 'drop', ids: readonly string[]): Promise<Settled> {
    const unknown: string[] = [];
    for (const id of ids) {
      const found = verb === 'retry' ? await this.#retry(id) : await this.#drop(id);
      if (!found) unknown.push(id);
    }
    return { done: ids.length - unknown.length, unknown };
  }

  async #retry(id: string): Promise<boolean> {
    const { db, wake, deliver, retryClinic, now } = this.#options;
    const { kind, calendar, rest } = parse(id);
    switch (kind) {
      case 'day': {
        const found = await retryDay(db, calendar, rest);
        if (found) await wake(calendar);
        return found;
      }
      case 'calendar': {
        const found = await retryCalendar(db, calendar);
        if (found) await wake(calendar);
        return found;
      }
      case 'service': {
        const found = await retryService(db, calendar, rest, new Date(now()));
        if (found) await wake(calendar);
        return found;
      }
      case 'event':
        return await this.#retryEvent(calendar);
      case 'booking': {
        const found = await retryBooking(db, calendar, rest);
        if (found) await wake(calendar);
        return found;
      }
      case 'notification': {
        const key = await retryNotification(db, calendar, new Date(now()));
        if (key === undefined) return false;
        await deliver(key);
        await retryClinic(key.account);
        return true;
      }
      case 'delivery':
        return await retryClinic(calendar);
      default:
        return false;
    }
  }

  async #drop(id: string): Promise<boolean> {
    const { db, now } = this.#options;
    const { kind, calendar, rest } = parse(id);
    switch (kind) {
      case 'day':
        return await dropDay(db, calendar, rest);
      case 'calendar':
        return await dropCalendar(db, calendar);
      case 'service':
        return await dropService(db, calendar, rest);
      case 'event':
        return isNumber(calendar) && (await deleteRefusedEvent(db, calendar));
      case 'booking':
        return await this.#dropBooking(calendar, rest);
      case 'notification':
        return await dropNotification(db, calendar, new Date(now()));
      default:
        return false;
    }
  }

  async #dropBooking(calendar: string, id: string): Promise<boolean> {
    const { db, unlink, wake } = this.#options;
    if (!(await isRefused(db, calendar, id))) return false;
    await unlink(calendar, id);
    await wake(calendar);
    return true;
  }

  /** Back to the queue first: an event that is there twice counts once. */
  async #retryEvent(id: string): Promise<boolean> {
    const { db, occupancyQueue } = this.#options;
    const event = isNumber(id) ? await findRefusedEvent(db, id) : undefined;
    if (event === undefined || event.data === null) return false;
    await occupancyQueue.addBulk([{ name: 'retried', data: JSON.parse(event.data) }]);
    return await deleteRefusedEvent(db, id);
  }
}

const isNumber = (id: string): boolean => /^\d{1,18}$/.test(id);

function describeEvent({ id, data, reason }: RefusedEvent): Failure {
  const event = named.safeParse(data === null ? null : JSON.parse(data)).data;
  return {
    kind: 'event',
    id: `event/${id}`,
    calendar: event?.calendar ?? null,
    event: event?.id ?? null,
    reason,
  };
}

function describeService({ calendar, service, name, since }: GoneService): Failure {
  return {
    kind: 'service',
    id: `service/${calendar}/${service}`,
    calendar,
    service,
    reason: `the address no longer has the service ${spelled({ id: service, name })}: it is left out of what is on sale`,
    since: since.toISOString(),
  };
}

function describeDelivery({ account, count, reason, retryAt }: WaitingDelivery): Failure {
  const what = count === 1 ? '1 notification waits' : `${count} notifications wait`;
  return {
    kind: 'delivery',
    id: `delivery/${account}`,
    account,
    count,
    reason: `${what} for its webhook: ${reason}`,
    retryAt: retryAt.toISOString(),
  };
}

function describe({ id, failed, problem, ...what }: FailedNotification): Failure {
  const unreadable = problem === null ? [] : [`it could not be read: ${problem}`];
  const undelivered = failed === null ? [] : [`it could not be delivered: ${failed}`];
  return {
    kind: 'notification',
    id: `notification/${id}`,
    ...what,
    reason: [...unreadable, ...undelivered].join('; '),
  };
}

function parse(id: string): { kind: string; calendar: string; rest: string } {
  const [kind = '', calendar = '', ...others] = id.split('/');
  const rest = others.join('/');
  const isDate = z.iso.date().safeParse(rest).success;
  return { kind: kind === 'day' && !isDate ? '' : kind, calendar, rest };
}
