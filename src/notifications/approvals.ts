/**
 * Answers the marketplace when it asks whether a patient may book or move: from the record, which knows what is taken
 * before it is published. What is approved is reserved for a moment, so that nobody else is promised the same time.
 * Contract: Notifications.
 */

import { DAY, MINUTE } from '../core/duration.js';
import { addDays, localDate } from '../core/index.js';
import { type Span, spanOf } from '../core/span.js';
import type { Db } from '../db/schema.js';
import type { Account } from '../db/tables/accounts.js';
import { findGoneServiceIds, withoutGoneServices } from '../db/tables/address-services.js';
import { type BusyTime, findBusyTime } from '../db/tables/busy-time.js';
import { findCalendarIdAt } from '../db/tables/calendars.js';
import { lockCalendars } from '../db/tables/events.js';
import { reservationsBetween, reserve, unreserve } from '../db/tables/reservations.js';
import { windowsOf } from '../db/tables/windows.js';
import { type Notification, serviceOf } from '../docplanner/index.js';
import { timeOf, widened } from '../marketplace-state/dirty-days.js';
import { availabilityOf, durationOf } from './availability-check.js';

type Asking = Extract<Notification, { name: 'slot-booking' | 'booking-moving' }>;

/** Why a patient may not: the numbers for it are agreed with the marketplace, and are the account's settings. */
export type Denial = 'taken' | 'not-offered' | 'past' | 'unknown-calendar' | 'clinic';

export type Answer =
  | { readonly approved: true }
  | { readonly approved: false; readonly reason: Denial; readonly errorCode: number };

/** What the clinic says; undefined where it does not say in time. */
export type AskClinic = (
  account: Account,
  question: Question,
) => Promise<{ readonly approved: boolean; readonly errorCode?: number } | undefined>;

export interface Question {
  readonly name: Asking['name'];
  readonly calendar: string;
  /** As the marketplace wrote it. It is about a patient. */
  readonly data: unknown;
}

export interface ApprovalsOptions {
  readonly db: Db;
  readonly now: () => number;
  readonly askClinic?: AskClinic | undefined;
}

const CODES: { readonly [Reason in Denial]: number } = {
  taken: 1,
  'not-offered': 2,
  past: 3,
  'unknown-calendar': 4,
  clinic: 5,
};

interface Asked {
  readonly start: number;
  /** Absent where the marketplace says neither an end nor a duration. */
  readonly end: number | undefined;
  /** Absent where it names none. */
  readonly service: string | undefined;
  /** The booking that it is now, when it is about to move. */
  readonly instead: string | undefined;
}

export class Approvals {
  readonly #options: ApprovalsOptions;

  constructor(options: ApprovalsOptions) {
    this.#options = options;
  }

  async answer(account: Account, asking: Asking): Promise<Answer> {
    const { db, askClinic } = this.#options;
    const { facility, doctor, address } = asking.data;
    const place = { facilityId: facility.id, doctorId: doctor.id, addressId: address.id };
    const calendar = await findCalendarIdAt(db, { account: account.id, ...place });
    if (calendar === undefined) return denied(account, 'unknown-calendar');

    const promised = await this.#promise(calendar, visitOf(asking));
    if (promised.kind === 'denied') return denied(account, promised.reason);
    const question = { name: asking.name, calendar, data: asking.data };
    const said = await askClinic?.(account, question);
    if (said === undefined || said.approved) return { approved: true };
    await unreserve(db, promised.reservation);
    const answer = denied(account, 'clinic');
    return said.errorCode === undefined ? answer : { ...answer, errorCode: said.errorCode };
  }

  /** The answer no, as it was agreed with the marketplace for this account. */
  denied(account: Account, reason: Denial): Answer {
    return denied(account, reason);
  }

  /** One question about a calendar at a time: two for one time cannot both be promised it. */
  async #promise(
    id: string,
    asked: Asked,
  ): Promise<
    { kind: 'denied'; reason: Denial } | { readonly kind: 'promised'; readonly reservation: string }
  > {
    const now = this.#options.now();
    return await this.#options.db.transaction().execute(async (tx) => {
      const calendar = (await lockCalendars(tx, [id])).get(id);
      if (calendar === undefined) return { kind: 'denied', reason: 'unknown-calendar' };
      const { start, service } = asked;
      if (start <= now) return { kind: 'denied', reason: 'past' };
      const date = localDate(start, calendar.timeZone);
      const windows = await windowsOf(tx, id, addDays(date, -1), addDays(date, 1));
      const offers = withoutGoneServices(windows, await findGoneServiceIds(tx, id)).map((window) => ({
        ...spanOf(window),
        services: window.services,
      }));
      const end = asked.end ?? start + durationOf(start, service, offers) * MINUTE;
      if (end <= start) return { kind: 'denied', reason: 'not-offered' };
      const visit: Span = { start, end };
      const [from, to] = [new Date(start - DAY), new Date(end + DAY)];
      const taken = await findBusyTime(tx, id, from, to);
      const moving = taken.find((one) => one.source === 'booking' && one.id === asked.instead);
      const others = taken.filter((one) => !isSameBooking(one, moving));
      const reserved = await reservationsBetween(tx, id, from, to, new Date(now));
      const freedom = availabilityOf(
        visit,
        service,
        offers,
        [...others.map(timeOf), ...reserved.map(spanOf)].map((one) => widened(one, calendar)),
      );
      if (freedom !== 'free') return { kind: 'denied', reason: freedom };
      const span = { start: new Date(start), end: new Date(end) };
      return { kind: 'promised', reservation: await reserve(tx, id, span, new Date(now)) };
    });
  }
}

function visitOf(asking: Asking): Asked {
  const [request, instead] =
    asking.name === 'slot-booking'
      ? [asking.data.visit_booking_request, undefined]
      : [asking.data.creating_booking, asking.data.canceling_booking.id];
  const start = Date.parse(request.start_at);
  const { end_at, duration } = request;
  const end = end_at != null ? Date.parse(end_at) : duration != null ? start + lengthOf(duration) : undefined;
  return { start, end, service: serviceAsked(request), instead };
}

/** One that is named and cannot be read is none that is offered. */
function serviceAsked(request: { readonly address_service?: unknown }): string | undefined {
  return request.address_service == null ? undefined : (serviceOf(request) ?? UNREADABLE);
}

const UNREADABLE = '';

/** In milliseconds; of one that cannot be read none, which is never offered. */
const lengthOf = (duration: unknown): number => (typeof duration === 'number' ? duration * MINUTE : 0);

/** The booking that moves, and the appointment that it is linked to. */
function isSameBooking(one: BusyTime, moving: BusyTime | undefined): boolean {
  if (moving === undefined || moving.source !== 'booking') return false;
  if (one.source === 'booking') return one.id === moving.id;
  return one.source === 'occupancy' && one.ref === moving.ref;
}

function denied(account: Account, reason: Denial) {
  const errorCode = account.notifications.errorCodes?.[reason] ?? CODES[reason];
  return { approved: false, reason, errorCode } as const;
}
