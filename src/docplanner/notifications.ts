// Parses the marketplace's 17 kinds of notifications. Any other notification is retained unparsed.

import { z } from 'zod';
import {
  addressService,
  booking,
  bookingRequest,
  calendarBreak,
  cancelingBooking,
  lenient,
  named,
  optionalInstant,
} from './wire.js';

const place = { facility: named, doctor: named, address: named };

const kind = <Name extends string, Shape extends z.ZodRawShape>(name: Name, shape: Shape) =>
  z.looseObject({
    name: z.literal(name),
    data: z.looseObject({ ...place, ...shape }),
    created_at: lenient(optionalInstant),
  });

const aboutBooking = { visit_booking: booking };
/** Only the id of such a booking is applied. */
const namedBooking = z.union([booking, named]);
const aboutNamedBooking = { visit_booking: namedBooking };
const aboutBreak = { break: calendarBreak };
const aboutService = { address_service: addressService };

/** Contract: Notifications. */
const known = z.discriminatedUnion('name', [
  kind('slot-booking', { visit_booking_request: bookingRequest }),
  kind('slot-booked', aboutBooking),
  kind('booking-canceled', aboutBooking),
  kind('booking-moving', { canceling_booking: cancelingBooking, creating_booking: bookingRequest }),
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

/** A notification of another kind or in an unknown format; `raw` retains all of it. */
export interface UnknownNotification {
  readonly name: 'unknown';
  /** The name in the notification, if it has one. */
  readonly reportedName?: string;
  /** The path and the reason of the mismatch, without values. */
  readonly problem: string;
  readonly raw: unknown;
}

export type Notification = KnownNotification | UnknownNotification;

/** Never throws: the marketplace sends a notification once, so none may be lost because of its format. */
export function parseNotification(raw: unknown): Notification {
  const result = known.safeParse(raw);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const problem =
    issue === undefined ? 'unreadable' : `${issue.path.join('.') || 'notification'}: ${issue.message}`;
  const reportedName = findName(raw);
  return { name: 'unknown', ...(reportedName === undefined ? {} : { reportedName }), problem, raw };
}

/** An approval request waits for an answer: a 2xx approves, anything else denies. */
export function isApprovalRequest(
  notification: Notification,
): notification is Extract<KnownNotification, { name: 'slot-booking' | 'booking-moving' }> {
  return notification.name === 'slot-booking' || notification.name === 'booking-moving';
}

function findName(raw: unknown): string | undefined {
  if (typeof raw !== 'object' || raw === null || !('name' in raw)) return undefined;
  return typeof raw.name === 'string' ? raw.name : undefined;
}
