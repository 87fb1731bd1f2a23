/**
 * What a clinic is told, as its webhook, its feed and the library give it: told apart by `name`. What the marketplace said is in `data` as it
 * came, so ids may be text or numbers, instants are ISO 8601 with an offset, and there may be more fields than are named here.
 */
import type { Deletion } from './held-changes.js';

/** Something of the marketplace's by its id; whatever else there is of it is there as it came. */
export interface MarketplaceThing {
  readonly id: string | number;
  readonly name?: string;
  readonly [field: string]: unknown;
}

/** Where it was. */
export interface MarketplacePlace {
  readonly facility: MarketplaceThing;
  readonly doctor: MarketplaceThing;
  readonly address: MarketplaceThing;
}

/** A visit booking. It is about a patient. */
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

/** A booking that is only asked for. It is about a patient. */
export interface VisitBookingRequest {
  /** ISO 8601. */
  readonly start_at: string;
  /** ISO 8601. */
  readonly end_at?: string | null;
  readonly address_service?: MarketplaceThing;
  readonly patient?: { readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** A calendar break, which a doctor made in the marketplace. */
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

/** What is in `data`, by the name. */
export interface NotificationData {
  /** A patient asks to book. */
  'slot-booking': MarketplacePlace & { readonly visit_booking_request: VisitBookingRequest };
  'slot-booked': AboutBooking;
  'booking-canceled': AboutBooking;
  /** A patient asks to move a booking. */
  'booking-moving': MarketplacePlace & {
    readonly canceling_booking: MarketplaceThing;
    readonly creating_booking: VisitBookingRequest;
  };
  /** The id is a new one. */
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
  /** What could not be read: whole, as it came. */
  unknown: unknown;
  /** A time that is sold twice, online and at the desk. Instants are in UTC. */
  conflict: {
    readonly booking: { readonly id: string; readonly start: string; readonly end: string };
    readonly occupancy: { readonly ref: string; readonly start: string; readonly end: string };
  };
  /** Something would take away too much, and waits for a person. */
  held: {
    readonly hold: string;
    readonly cause: 'snapshot' | 'configuration';
    /** Local dates, both included. */
    readonly from: string;
    readonly to: string;
    readonly deletions: readonly Deletion[];
    readonly dates: readonly string[];
    /** How many appointments would be released. */
    readonly releases: number;
  };
  /** Windows name a service that the address no longer has. */
  'service-gone': NamedService;
  'service-back': NamedService;
  /** Its duration in minutes, before and after. */
  'service-changed': NamedService & { readonly before: number; readonly after: number };
  'calendar-disabled': { readonly [field: string]: never };
  'calendar-enabled': { readonly [field: string]: never };
}

/** The names that this version knows. The marketplace may come to use others: have a branch for them. */
export type NotificationName = keyof NotificationData;

interface AnyNotification {
  /** Where it stands in the feed. */
  readonly cursor: string;
  /** The same however often it comes. */
  readonly id: string;
  readonly account: string;
  /** Ours; null where it is about an address that is no calendar here. */
  readonly calendar: string | null;
  /** When the marketplace says that it was, ISO 8601 in UTC; null where it does not say. */
  readonly createdAt: string | null;
  /** ISO 8601, in UTC. */
  readonly receivedAt: string;
  /** The marketplace's visit booking id. */
  readonly booking: string | null;
  /** The PMS's appointment that the booking is linked to. */
  readonly ref: string | null;
  /** The visit booking id that the booking has now, where it had moved: its `ref` is that one's. */
  readonly movedTo?: string;
  /** Where it could not be read, without any of its values. */
  readonly problem?: string;
}

/** Once it was delivered and its time was over, its data is removed. */
type Kept<Data> =
  | { readonly data: Data; readonly purged?: never }
  | { readonly data: null; readonly purged: true };

/** What a clinic is told: by the feed, by its webhook, or when it asks for one by its id. Told apart by `name`. */
export type NotificationItem = {
  [Name in NotificationName]: AnyNotification & { readonly name: Name } & Kept<NotificationData[Name]>;
}[NotificationName];

/** A job of the queue `slotkeeper-notifications`: which notification it is. The rest is fetched by its id. */
export interface NotificationJob {
  readonly id: string;
  readonly account: string;
  readonly calendar: string | null;
  readonly name: NotificationName;
  readonly cursor: string;
}

type Asking = 'slot-booking' | 'booking-moving';

/** What a clinic is asked at its `approvalUrl`: whether a patient may book or move. Told apart by `name`. */
export type ApprovalQuestion = {
  [Name in Asking]: {
    readonly id: string;
    readonly account: string;
    readonly calendar: string;
    readonly name: Name;
    readonly data: NotificationData[Name];
  };
}[Asking];
