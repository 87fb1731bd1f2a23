/**
 * Types of the notifications that a clinic receives by its webhook, its feed and the library. They are discriminated by `name`.
 * `data` is what the marketplace sent, unchanged: ids may be text or numbers, instants are ISO 8601 with an offset, and there
 * may be more fields than these types name.
 */
import type { Deletion } from './held-changes.js';

/** An object of the marketplace with its id. Its other fields are passed on unchanged. */
export interface MarketplaceThing {
  readonly id: string | number;
  readonly name?: string;
  readonly [field: string]: unknown;
}

/** The facility, doctor and address that a notification is about. */
export interface MarketplacePlace {
  readonly facility: MarketplaceThing;
  readonly doctor: MarketplaceThing;
  readonly address: MarketplaceThing;
}

/** A visit booking. It contains personal data of a patient. */
export interface VisitBooking extends MarketplaceThing {
  readonly status: string;
  /** ISO 8601. */
  readonly start_at: string;
  /** ISO 8601. */
  readonly end_at: string;
  readonly address_service?: MarketplaceThing;
  /** `user`, `doctor` or `integration`. */
  readonly booked_by?: string;
  readonly patient?: { readonly [field: string]: unknown };
}

/** A booking that a patient requests. It contains personal data of the patient. */
export interface VisitBookingRequest {
  /** ISO 8601. */
  readonly start_at: string;
  /** ISO 8601. */
  readonly end_at?: string | null;
  readonly address_service?: MarketplaceThing;
  readonly patient?: { readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** A calendar break that a doctor created in the marketplace. */
export interface MarketplaceBreak extends MarketplaceThing {
  /** ISO 8601. */
  readonly since: string;
  /** ISO 8601. */
  readonly till: string;
}

interface AboutBooking extends MarketplacePlace {
  readonly visit_booking: VisitBooking;
}
interface AboutNamedBooking extends MarketplacePlace {
  readonly visit_booking: MarketplaceThing;
}
interface AboutBreak extends MarketplacePlace {
  readonly break: MarketplaceBreak;
}
interface AboutService extends MarketplacePlace {
  readonly address_service: MarketplaceThing;
}
/** A service of an address. */
interface NamedService {
  readonly service: { readonly id: string; readonly name: string | null };
}

interface AccountPause {
  readonly account: string;
  /** When the pause ends, or has ended; ISO 8601 in UTC. */
  readonly until: string;
  /** Why it was paused. */
  readonly reason: string;
}

/** The type of `data` for each `name`. */
export interface NotificationData {
  /** A patient requests a booking. */
  'slot-booking': MarketplacePlace & { readonly visit_booking_request: VisitBookingRequest };
  'slot-booked': AboutBooking;
  'booking-canceled': AboutBooking;
  /** A patient requests to move a booking. */
  'booking-moving': MarketplacePlace & {
    readonly canceling_booking: MarketplaceThing;
    readonly creating_booking: VisitBookingRequest;
  };
  /** The booking has a new id. */
  'booking-moved': MarketplacePlace & {
    readonly old_visit_booking: VisitBooking;
    readonly new_visit_booking: VisitBooking;
  };
  'booking-confirmed': AboutNamedBooking;
  'booking-payment-status-changed': AboutNamedBooking & {
    readonly visit_payment_status?: { readonly [field: string]: unknown };
  };
  'presence-marked': AboutNamedBooking & { readonly presence?: string };
  'break-created': AboutBreak;
  'break-moved': AboutBreak;
  'break-removed': AboutBreak;
  'address-service-created': AboutService;
  'address-service-changed': AboutService;
  'address-service-deleted': AboutService;
  'address-commercial-type-changed': MarketplacePlace;
  'address-assigned': MarketplacePlace;
  'address-unassigned': MarketplacePlace;
  /** What could not be parsed, unchanged. */
  unknown: unknown;
  /** A booking of the marketplace and an appointment of the PMS overlap. Instants are in UTC. */
  conflict: {
    readonly booking: { readonly id: string; readonly start: string; readonly end: string };
    readonly occupancy: { readonly ref: string; readonly start: string; readonly end: string };
  };
  /** A change would delete too much, and waits until a person approves or drops it. */
  held: {
    readonly hold: string;
    readonly cause: 'snapshot' | 'configuration';
    /** Local dates, both included. */
    readonly from: string;
    readonly to: string;
    readonly losses: readonly Deletion[];
    readonly dates: readonly string[];
    /** How many appointments would be released. */
    readonly releases: number;
  };
  /** Days are published, where `delivery.events` names it. */
  published: {
    readonly calendar: string;
    /** Local dates. */
    readonly dates: readonly string[];
    /** The PMS's appointments whose events are published by it; absent where there are none. */
    readonly refs?: readonly string[];
    /** When the last of them was published, ISO 8601 in UTC. */
    readonly publishedAt: string;
  };
  /** Days or a calendar could not be published, where `delivery.events` names it. */
  failed: {
    readonly calendar: string;
    /** Local dates; of a calendar, its pending ones. */
    readonly dates: readonly string[];
    readonly reason: string;
    /** How busy time of the days was closed nevertheless; null where it stays on sale. */
    readonly closedBy?: 'slots' | 'break' | 'clear' | null;
  };
  /** No request of the account is sent before an instant, where `delivery.events` names it. */
  'account-paused': AccountPause;
  /** The pause is over. */
  'account-resumed': AccountPause;
  /** Windows name a service that the address no longer has. */
  'service-gone': NamedService;
  'service-back': NamedService;
  /** Its duration in minutes, before and after. */
  'service-changed': NamedService & { readonly before: number; readonly after: number };
  'calendar-disabled': { readonly [field: string]: never };
  'calendar-enabled': { readonly [field: string]: never };
}

/** The names that this version knows. The marketplace may add others, so a consumer needs a default branch. */
export type NotificationName = keyof NotificationData;

interface AnyNotification {
  /** The position in the feed. */
  readonly cursor: string;
  /** The same for every delivery of the notification. */
  readonly id: string;
  readonly account: string;
  /** The calendar's id in Slotkeeper; null where the address belongs to no calendar. */
  readonly calendar: string | null;
  /** When the marketplace created it, ISO 8601 in UTC; null where the marketplace does not report it. */
  readonly createdAt: string | null;
  /** ISO 8601 in UTC. */
  readonly receivedAt: string;
  /** The marketplace's visit booking id. */
  readonly booking: string | null;
  /** The PMS's appointment that the booking is linked to. */
  readonly ref: string | null;
  /** The current visit booking id, where the booking was moved since. `ref` belongs to that booking. */
  readonly movedTo?: string;
  /** Why it could not be parsed, without any of its values. */
  readonly problem?: string;
}

/** The data is removed after delivery, when its retention period is over. */
type Retained<Data> =
  | { readonly data: Data; readonly purged?: never }
  | { readonly data: null; readonly purged: true };

/** A notification as the feed, the webhook and the request by id return it, discriminated by `name`. */
export type NotificationItem = {
  [Name in NotificationName]: AnyNotification & { readonly name: Name } & Retained<NotificationData[Name]>;
}[NotificationName];

/** A job of the queue `slotkeeper-notifications`. The notification itself is fetched by its id. */
export interface NotificationJob {
  readonly id: string;
  readonly account: string;
  readonly calendar: string | null;
  readonly name: NotificationName;
  readonly cursor: string;
}

type RequestName = 'slot-booking' | 'booking-moving';

/** The request to a clinic's `approvalUrl`: whether a patient may book or move. Discriminated by `name`. */
export type ApprovalQuestion = {
  [Name in RequestName]: {
    readonly id: string;
    readonly account: string;
    readonly calendar: string;
    readonly name: Name;
    readonly data: NotificationData[Name];
  };
}[RequestName];
