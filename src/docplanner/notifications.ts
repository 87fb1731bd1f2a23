// What the marketplace says by itself: its 17 kinds of notification, and what is none of them kept whole.

import { z } from 'zod';
import {
  addressService,
  booking,
  bookingRequest,
  calendarBreak,
  endingBooking,
  eventually,
  lenient,
  named,
} from './wire.js';

const place = { facility: named, doctor: named, address: named };

const kind = <Name extends string, Shape extends z.ZodRawShape>(name: Name, shape: Shape) =>
  z.looseObject({
    name: z.literal(name),
    data: z.looseObject({ ...place, ...shape }),
    created_at: lenient(eventually),
  });

const aboutBooking = { visit_booking: booking };
/** Of which nothing is applied but which one it is. */
const namedBooking = z.union([booking, named]);
const aboutNamedBooking = { visit_booking: namedBooking };
const aboutBreak = { break: calendarBreak };
const aboutService = { address_service: addressService };

/** Contract: Notifications. */
const known = z.discriminatedUnion('name', [
  kind('slot-booking', { visit_booking_request: bookingRequest }),
  kind('slot-booked', aboutBooking),
  kind('booking-canceled', aboutBooking),
  kind('booking-moving', { canceling_booking: endingBooking, creating_booking: bookingRequest }),
  kind('booking-moved', { old_visit_booking: booking, new_visit_booking: booking }),
  kind('booking-confirmed', aboutNamedBooking),
  kind('booking-payment-status-changed', aboutNamedBooking),
  kind('presence-marked', aboutNamedBooking),
  kind('break-created', aboutBreak),
  kind('break-moved', aboutBreak),
  kind('break-removed', aboutBreak),
  kind('address-service-created', aboutService),
  kind('address-service-changed', aboutService),
  kind('address-service-deleted', aboutService),
  kind('address-commercial-type-changed', {}),
  kind('address-assigned', {}),
  kind('address-unassigned', {}),
]);

export type KnownNotification = Readonly<z.output<typeof known>>;
export type NotificationName = KnownNotification['name'];

/** All 17 names. */
export const notificationNames: readonly NotificationName[] = known.options.map(
  (option) => option.shape.name.value,
);

/** A notification of another kind, or in a form that cannot be read: nothing of it is lost. */
export interface UnknownNotification {
  readonly name: 'unknown';
  /** The name that it came with, where it had one. */
  readonly reportedName?: string;
  /** Where it is not as expected, without any of its values. */
  readonly problem: string;
  readonly raw: unknown;
}

export type Notification = KnownNotification | UnknownNotification;

/** Never throws: a notification is handed out once, so none may be lost to its form. */
export function parseNotification(raw: unknown): Notification {
  const result = known.safeParse(raw);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const problem =
    issue === undefined ? 'unreadable' : `${issue.path.join('.') || 'notification'}: ${issue.message}`;
  const reportedName = nameOf(raw);
  return { name: 'unknown', ...(reportedName === undefined ? {} : { reportedName }), problem, raw };
}

/** Asking notifications wait for an answer: a 2xx approves, anything else denies. */
export function isAsking(
  notification: Notification,
): notification is Extract<KnownNotification, { name: 'slot-booking' | 'booking-moving' }> {
  return notification.name === 'slot-booking' || notification.name === 'booking-moving';
}

function nameOf(raw: unknown): string | undefined {
  if (typeof raw !== 'object' || raw === null || !('name' in raw)) return undefined;
  return typeof raw.name === 'string' ? raw.name : undefined;
}
