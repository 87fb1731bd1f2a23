/** Lists failed accounts, calendars, days, services, bookings, events and notifications, each with its reason, and retries or drops them. */

import { z } from 'zod';
import type { Failure, FailuresApi, Resolved } from '../api/failures-api.js';
import { refSchema } from '../clinic/event-schema.js';
import { listRefusedAccounts } from '../db/tables/account-states.js';
import { type GoneService, listGoneServices } from '../db/tables/address-services.js';
import {
  type FailedNotification,
  listFailedNotifications,
  listWaitingDeliveries,
  type WaitingDelivery,
} from '../db/tables/deliveries.js';
import { listFailedCalendars, listFailedDays } from '../db/tables/failures.js';
import { listRefusedBookings } from '../db/tables/linked-bookings.js';
import { listRejectedEvents, type RejectedQueueEvent } from '../db/tables/rejected-events.js';
import { formatService } from '../publishing/address-services.js';
import { type ResolveFailuresOptions, resolveFailures } from './resolve-failures.js';

const MAX_EVENTS = 1_000;
const MAX_NOTIFICATIONS = 10_000;
const eventNames = z.object({
  id: refSchema.nullish().catch(null),
  calendar: refSchema.nullish().catch(null),
});

export class Failures implements FailuresApi {
  readonly #options: ResolveFailuresOptions;

  constructor(options: ResolveFailuresOptions) {
    this.#options = options;
  }

  async list(): Promise<Failure[]> {
    const { db, now } = this.#options;
    const [accounts, calendars, days, services, events, bookings, notifications, deliveries] =
      await Promise.all([
        listRefusedAccounts(db),
        listFailedCalendars(db),
        listFailedDays(db),
        listGoneServices(db, new Date(now())),
        listRejectedEvents(db, MAX_EVENTS),
        listRefusedBookings(db),
        listFailedNotifications(db, MAX_NOTIFICATIONS),
        listWaitingDeliveries(db),
      ]);
    return [
      ...accounts.map(
        ({ account, reason, since }): Failure => ({
          kind: 'account',
          id: `account/${account}`,
          account,
          reason,
          since: since.toISOString(),
        }),
      ),
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
      ...notifications.map(describeNotification),
    ];
  }

  /** Retries failures, or drops them: what failed is then no longer required. */
  async settle(verb: 'retry' | 'drop', ids: readonly string[], actor = 'library'): Promise<Resolved> {
    return await resolveFailures(this.#options, verb, ids, actor);
  }
}

function describeEvent({ id, data, reason }: RejectedQueueEvent): Failure {
  const event = eventNames.safeParse(data === null ? null : JSON.parse(data)).data;
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
    reason: `the address no longer has the service ${formatService({ id: service, name })}: the service is not published`,
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

function describeNotification({ id, failed, problem, ...fields }: FailedNotification): Failure {
  const unreadable = problem === null ? [] : [`the notification could not be read: ${problem}`];
  const undelivered = failed === null ? [] : [`the notification could not be delivered: ${failed}`];
  return {
    kind: 'notification',
    id: `notification/${id}`,
    ...fields,
    reason: [...unreadable, ...undelivered].join('; '),
  };
}
