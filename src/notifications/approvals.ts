/**
 * Answers the marketplace's requests to approve a booking or a move. The answer comes from the database, which knows busy time
 * before it is published. An approved time is reserved for a moment, so that no other request for it is approved.
 * Contract: Notifications.
 */

import { DAY, MINUTE } from '../core/duration.js';
import { addDays, localDate } from '../core/index.js';
import { spanOf } from '../core/span.js';
import type { Db } from '../db/schema.js';
import type { Account } from '../db/tables/accounts.js';
import { findGoneServiceIds, withoutGoneServices } from '../db/tables/address-services.js';
import { type BusyTime, findBusyTime } from '../db/tables/busy-time.js';
import { findCalendarIdAt } from '../db/tables/calendars.js';
import { lockCalendars } from '../db/tables/locked-calendars.js';
import { deleteReservation, findReservations, saveReservation } from '../db/tables/reservations.js';
import { listWindows } from '../db/tables/windows.js';
import { type Notification, serviceOf } from '../docplanner/index.js';
import { addBuffers, toBusySpan } from '../marketplace-state/dirty-days.js';
import { availabilityOf, durationOf } from './availability-check.js';

type ApprovalRequest = Extract<Notification, { name: 'slot-booking' | 'booking-moving' }>;

/** Why a request is denied. The error code of each reason is agreed with the marketplace, and is a setting of the account. */
export type Denial = 'taken' | 'not-offered' | 'past' | 'unknown-calendar' | 'clinic';

export type ApprovalAnswer =
  | { readonly approved: true }
  | { readonly approved: false; readonly reason: Denial; readonly errorCode: number };

/** Requests the clinic's approval; undefined where the clinic does not answer in time. */
export type RequestApproval = (
  account: Account,
  question: ClinicQuestion,
) => Promise<{ readonly approved: boolean; readonly errorCode?: number } | undefined>;

export interface ClinicQuestion {
  readonly name: ApprovalRequest['name'];
  readonly calendar: string;
  /** The data as the marketplace wrote it. It is personal data of a patient. */
  readonly data: unknown;
}

export interface ApprovalsOptions {
  readonly db: Db;
  readonly now: () => number;
  readonly requestApproval?: RequestApproval | undefined;
}

const DEFAULT_CODES: { readonly [Reason in Denial]: number } = {
  taken: 1,
  'not-offered': 2,
  past: 3,
  'unknown-calendar': 4,
  clinic: 5,
};

interface RequestedBooking {
  readonly start: number;
  /** Absent where the request contains neither an end nor a duration. */
  readonly end: number | undefined;
  /** Absent where the request names none. */
  readonly service: string | undefined;
  /** The id of the booking that is about to move, where the request is for a move. */
  readonly movingId: string | undefined;
}

export class Approvals {
  readonly #options: ApprovalsOptions;

  constructor(options: ApprovalsOptions) {
    this.#options = options;
  }

  async answer(account: Account, request: ApprovalRequest): Promise<ApprovalAnswer> {
    const { db, requestApproval } = this.#options;
    const { facility, doctor, address } = request.data;
    const place = { facilityId: facility.id, doctorId: doctor.id, addressId: address.id };
    const calendar = await findCalendarIdAt(db, { account: account.id, ...place });
    if (calendar === undefined) return denied(account, 'unknown-calendar');

    const outcome = await this.#reserve(calendar, requestedBookingOf(request));
    if (outcome.kind === 'denied') return denied(account, outcome.reason);
    const question = { name: request.name, calendar, data: request.data };
    const approval = await requestApproval?.(account, question);
    if (approval === undefined || approval.approved) return { approved: true };
    await deleteReservation(db, outcome.reservation);
    const answer = denied(account, 'clinic');
    return approval.errorCode === undefined ? answer : { ...answer, errorCode: approval.errorCode };
  }

  /** The denial with the error code of this account. */
  denied(account: Account, reason: Denial): ApprovalAnswer {
    return denied(account, reason);
  }

  /** Checks and reserves the time. The calendar is locked, so that two requests for the same time cannot both succeed. */
  async #reserve(
    id: string,
    requested: RequestedBooking,
  ): Promise<
    { kind: 'denied'; reason: Denial } | { readonly kind: 'reserved'; readonly reservation: string }
  > {
    const now = this.#options.now();
    return await this.#options.db.transaction().execute(async (tx) => {
      const calendar = (await lockCalendars(tx, [id])).get(id);
      if (calendar === undefined) return { kind: 'denied', reason: 'unknown-calendar' };
      const { start, service } = requested;
      if (start <= now) return { kind: 'denied', reason: 'past' };
      const date = localDate(start, calendar.timeZone);
      const windows = await listWindows(tx, id, addDays(date, -1), addDays(date, 1));
      const offers = withoutGoneServices(windows, await findGoneServiceIds(tx, id)).map((window) => ({
        ...spanOf(window),
        services: window.services,
      }));
      const end = requested.end ?? start + durationOf(start, service, offers) * MINUTE;
      if (end <= start) return { kind: 'denied', reason: 'not-offered' };
      const [from, to] = [new Date(start - DAY), new Date(end + DAY)];
      const busy = await findBusyTime(tx, id, from, to);
      const moving = busy.find((one) => one.source === 'booking' && one.id === requested.movingId);
      const others = busy.filter((one) => !isSameBooking(one, moving));
      const reserved = await findReservations(tx, id, from, to, new Date(now));
      const availability = availabilityOf(
        { start, end },
        service,
        offers,
        [...others.map(toBusySpan), ...reserved.map(spanOf)].map((one) => addBuffers(one, calendar)),
      );
      if (availability !== 'free') return { kind: 'denied', reason: availability };
      const span = { start: new Date(start), end: new Date(end) };
      return { kind: 'reserved', reservation: await saveReservation(tx, id, span, new Date(now)) };
    });
  }
}

function requestedBookingOf(request: ApprovalRequest): RequestedBooking {
  const [booking, movingId] =
    request.name === 'slot-booking'
      ? [request.data.visit_booking_request, undefined]
      : [request.data.creating_booking, request.data.canceling_booking.id];
  const start = Date.parse(booking.start_at);
  const { end_at, duration } = booking;
  const end =
    end_at != null ? Date.parse(end_at) : duration != null ? start + durationMs(duration) : undefined;
  return { start, end, service: requestedServiceOf(booking), movingId };
}

/** A service that is named and cannot be read becomes an id that no window offers. */
function requestedServiceOf(booking: { readonly address_service?: unknown }): string | undefined {
  return booking.address_service == null ? undefined : (serviceOf(booking) ?? UNREADABLE_SERVICE);
}

const UNREADABLE_SERVICE = '';

/** In milliseconds; an unreadable duration becomes 0, which is never offered. */
const durationMs = (duration: unknown): number => (typeof duration === 'number' ? duration * MINUTE : 0);

/** Whether the busy time is the booking that moves, or the appointment that it is linked to. */
function isSameBooking(one: BusyTime, moving: BusyTime | undefined): boolean {
  if (moving === undefined || moving.source !== 'booking') return false;
  if (one.source === 'booking') return one.id === moving.id;
  return one.source === 'occupancy' && one.ref === moving.ref;
}

function denied(account: Account, reason: Denial) {
  const errorCode = account.notifications.errorCodes?.[reason] ?? DEFAULT_CODES[reason];
  return { approved: false, reason, errorCode } as const;
}
