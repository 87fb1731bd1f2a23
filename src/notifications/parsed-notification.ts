/** Converts a notification into its subject and the updates that apply to the database. Pure. Contract: Notifications. */
import { hash } from 'node:crypto';
import {
  type Booking,
  type CalendarBreak,
  instantIn,
  type Notification,
  notificationNames,
} from '../docplanner/index.js';
import type { BookingUpdate } from '../marketplace-state/apply-bookings.js';
import type { BreakUpdate } from '../marketplace-state/apply-breaks.js';
import { toBookingUpdate } from '../marketplace-state/booking-update.js';
import { tagOf } from '../marketplace-state/ownership-tags.js';

export interface Place {
  readonly facilityId: string;
  readonly doctorId: string;
  readonly addressId: string;
}

export interface NotificationSubject {
  readonly name: string;
  /** Equal for a repetition of the notification, also on another channel. */
  readonly hash: string;
  readonly createdAt: Date | null;
  /** Absent where the notification does not name one. */
  readonly place?: Place | undefined;
  /** In the order in which they apply. */
  readonly bookings: readonly BookingUpdate[];
  readonly breaks: readonly BreakUpdate[];
  /** The booking that the notification is about; of a move, the new one. */
  readonly booking?: string | undefined;
  /** Whether an integration ended the booking: this engine, or another integration of the clinic. */
  readonly byIntegration?: true | undefined;
  /** The id of an address service that changed. */
  readonly service?: string | undefined;
  /** Whether what the address offers may have changed. */
  readonly address?: true | undefined;
  /** Why the notification cannot be parsed, without any of its values. */
  readonly problem?: string | undefined;
  /** The content besides the name and the time. */
  readonly data: unknown;
}

/** @param now epoch milliseconds: the time of a notification that contains none */
export function parseSubject(notification: Notification, now: number): NotificationSubject {
  if (notification.name === 'unknown') return unknownNotificationSubject(notification);
  const { name, created_at: created } = notification;
  const createdIso = instantIn(created);
  const createdAt = createdIso === undefined ? null : new Date(createdIso);
  const at = createdAt?.getTime() ?? now;
  const { facility, doctor, address } = notification.data;
  const data = limitDepth(notification.data);
  const subject = {
    name,
    createdAt,
    place: { facilityId: facility.id, doctorId: doctor.id, addressId: address.id },
    bookings: [],
    breaks: [],
    data,
  };
  const byContent = () => ({ ...subject, hash: hashOf([name, data, created]) });
  switch (notification.name) {
    case 'slot-booked': {
      const { visit_booking: booking } = notification.data;
      return { ...subject, ...identityOf(name, booking), bookings: [toBookingUpdate(booking)] };
    }
    case 'booking-canceled': {
      const { visit_booking: booking } = notification.data;
      const canceled: BookingUpdate = { ...toBookingUpdate(booking), status: 'canceled' };
      const byIntegration = booking.canceled_by === 'integration' ? true : undefined;
      return { ...subject, ...identityOf(name, booking), bookings: [canceled], byIntegration };
    }
    case 'booking-moved': {
      const { old_visit_booking: before, new_visit_booking: after } = notification.data;
      return {
        ...subject,
        booking: after.id,
        hash: hashOf([name, before.id, after.id]),
        bookings: [
          { ...toBookingUpdate(before), status: 'moved', movedTo: after.id },
          { ...toBookingUpdate(after), movedFrom: before.id },
        ],
      };
    }
    case 'booking-confirmed':
    case 'booking-payment-status-changed':
    case 'presence-marked':
      return { ...byContent(), booking: notification.data.visit_booking.id };
    case 'break-created':
      return { ...byContent(), breaks: [toBreakUpdate(notification.data.break, at, 'created')] };
    case 'break-moved':
      return { ...byContent(), breaks: [toBreakUpdate(notification.data.break, at, 'moved')] };
    case 'break-removed':
      return { ...byContent(), breaks: [toBreakUpdate(notification.data.break, at, 'removed')] };
    case 'address-service-changed':
    case 'address-service-deleted':
      return { ...byContent(), service: notification.data.address_service.id, address: true };
    case 'address-service-created':
    case 'address-assigned':
    case 'address-unassigned':
    case 'address-commercial-type-changed':
      return { ...byContent(), address: true };
    default:
      return byContent();
  }
}

/** A booking is booked once and canceled once, so that the name and the id identify the notification on every channel. */
function identityOf(name: string, booking: Booking) {
  return { booking: booking.id, hash: hashOf([name, booking.id]) };
}

function toBreakUpdate(one: CalendarBreak, observedAt: number, kind: BreakUpdate['kind']): BreakUpdate {
  const [since, till] = [Date.parse(one.since), Date.parse(one.till)];
  return { id: one.id, since, till, tag: tagOf(one), kind, observedAt };
}

type Unknown = Extract<Notification, { name: 'unknown' }>;

function unknownNotificationSubject({ reportedName, problem, raw: unlimited }: Unknown): NotificationSubject {
  const raw = limitDepth(unlimited);
  const isNewKind = reportedName !== undefined && !isKnown(reportedName);
  return {
    name: isNewKind ? reportedName : 'unknown',
    hash: hashOf(['unknown', raw]),
    createdAt: null,
    place: placeIn(raw),
    bookings: [],
    breaks: [],
    // A new kind is delivered as it is. A known kind that cannot be parsed has a problem that a person must see.
    problem: isNewKind ? undefined : `${reportedName ?? 'no name'}: ${problem}`,
    data: isNewKind && typeof raw === 'object' && raw !== null && 'data' in raw ? raw.data : raw,
  };
}

const isKnown = (name: string): boolean => notificationNames.some((known) => known === name);

/** Whether the notification is a request for approval that cannot be parsed. */
export const isUnreadableApprovalRequest = (notification: Notification): boolean =>
  notification.name === 'unknown' &&
  (notification.reportedName === 'slot-booking' || notification.reportedName === 'booking-moving');

function placeIn(raw: unknown): Place | undefined {
  const data = child(raw, 'data');
  const [facilityId, doctorId, addressId] = ['facility', 'doctor', 'address'].map((name) =>
    idOf(child(data, name)),
  );
  if (facilityId === undefined || doctorId === undefined || addressId === undefined) return undefined;
  return { facilityId, doctorId, addressId };
}

const child = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;

function idOf(value: unknown): string | undefined {
  const id = child(value, 'id');
  return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined;
}

/** The hash of a content, independent of the order of its fields. */
export function hashOf(content: unknown): string {
  return hash('sha256', canonical(content), 'base64url');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join()}}`;
}

const MAX_DEPTH = 200;

/** Replaces what is nested too deeply by null: no reader needs it, and serializing it would overflow the stack. */
function limitDepth(value: unknown): unknown {
  return isDeep(value, MAX_DEPTH) ? cut(value, MAX_DEPTH) : value;
}

function isDeep(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return left === 0 || Object.values(value).some((child) => isDeep(child, left - 1));
}

function cut(value: unknown, left: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (left === 0) return null;
  if (Array.isArray(value)) return value.map((child) => cut(child, left - 1));
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, cut(child, left - 1)]));
}
