/** What a notification is about, and what it says that the record has to know. Pure. Contract: Notifications. */
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
import { said } from '../marketplace-state/booking-update.js';
import { tagOf } from '../marketplace-state/ownership-tags.js';

export interface Place {
  readonly facilityId: string;
  readonly doctorId: string;
  readonly addressId: string;
}

export interface NotificationSubject {
  readonly name: string;
  /** The same for one that is sent again, also by another way. */
  readonly hash: string;
  readonly createdAt: Date | null;
  /** Absent where it does not say. */
  readonly place?: Place | undefined;
  /** In the order in which they are to be taken in. */
  readonly bookings: readonly BookingUpdate[];
  readonly breaks: readonly BreakUpdate[];
  /** The booking that it is about; of a move, the new one. */
  readonly booking?: string | undefined;
  /** Whether it says that the integration itself ended the booking: ours, or another of the clinic. */
  readonly byIntegration?: true | undefined;
  /** An address service that is not what it was. */
  readonly service?: string | undefined;
  /** It says that what the address has may not be what it was. */
  readonly address?: true | undefined;
  /** Where it cannot be read, without any of its values. */
  readonly problem?: string | undefined;
  /** Everything that came beside the name and the time. */
  readonly data: unknown;
}

/** @param now epoch milliseconds: for what does not say when it was said */
export function parseSubject(notification: Notification, now: number): NotificationSubject {
  if (notification.name === 'unknown') return unknownNotificationSubject(notification);
  const { name, created_at: created } = notification;
  const createdIso = instantIn(created);
  const createdAt = createdIso === undefined ? null : new Date(createdIso);
  const at = createdAt?.getTime() ?? now;
  const { facility, doctor, address } = notification.data;
  const data = flattened(notification.data);
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
      return { ...subject, ...aboutBooking(name, booking), bookings: [said(booking)] };
    }
    case 'booking-canceled': {
      const { visit_booking: booking } = notification.data;
      const canceled: BookingUpdate = { ...said(booking), status: 'canceled' };
      const byIntegration = booking.canceled_by === 'integration' ? true : undefined;
      return { ...subject, ...aboutBooking(name, booking), bookings: [canceled], byIntegration };
    }
    case 'booking-moved': {
      const { old_visit_booking: before, new_visit_booking: after } = notification.data;
      return {
        ...subject,
        booking: after.id,
        hash: hashOf([name, before.id, after.id]),
        bookings: [
          { ...said(before), status: 'moved', movedTo: after.id },
          { ...said(after), before: before.id },
        ],
      };
    }
    case 'booking-confirmed':
    case 'booking-payment-status-changed':
    case 'presence-marked':
      return { ...byContent(), booking: notification.data.visit_booking.id };
    case 'break-created':
      return { ...byContent(), breaks: [breakUpdate(notification.data.break, at, 'created')] };
    case 'break-moved':
      return { ...byContent(), breaks: [breakUpdate(notification.data.break, at, 'moved')] };
    case 'break-removed':
      return { ...byContent(), breaks: [breakUpdate(notification.data.break, at, 'removed')] };
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

/** A booking is booked once and cancelled once, however often and by whichever way that is said. */
function aboutBooking(name: string, booking: Booking) {
  return { booking: booking.id, hash: hashOf([name, booking.id]) };
}

function breakUpdate(one: CalendarBreak, at: number, word: BreakUpdate['word']): BreakUpdate {
  const [since, till] = [Date.parse(one.since), Date.parse(one.till)];
  return { id: one.id, since, till, mark: tagOf(one), word, at };
}

type Unknown = Extract<Notification, { name: 'unknown' }>;

function unknownNotificationSubject({ reportedName, problem, raw: deep }: Unknown): NotificationSubject {
  const raw = flattened(deep);
  const isNewKind = reportedName !== undefined && !isKnown(reportedName);
  return {
    name: isNewKind ? reportedName : 'unknown',
    hash: hashOf(['unknown', raw]),
    createdAt: null,
    place: placeIn(raw),
    bookings: [],
    breaks: [],
    // A kind that is new is passed on as it is; one that is known and cannot be read is for a person to see.
    problem: isNewKind ? undefined : `${reportedName ?? 'no name'}: ${problem}`,
    data: isNewKind && typeof raw === 'object' && raw !== null && 'data' in raw ? raw.data : raw,
  };
}

const isKnown = (name: string): boolean => notificationNames.some((known) => known === name);

/** A question whose form cannot be read. */
export const isUnreadQuestion = (notification: Notification): boolean =>
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

/** Of the content, whatever the order of its fields. */
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

const DEEPEST = 200;

/** Without what lies so deep that no reader would get there, and a writer would fail at it. */
function flattened(value: unknown): unknown {
  return isDeep(value, DEEPEST) ? cut(value, DEEPEST) : value;
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
