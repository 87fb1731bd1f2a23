/** The configuration of an account: an API client of the marketplace, its zone, its limits, its endpoints. */
import { MINUTE } from '../../core/duration.js';

/** The marketplace's limits for one client. Contract: Limits. */
export interface Limits {
  readonly writesPerMinute: number;
  readonly writesPerHour: number;
  readonly requestsPerHour: number;
  /** The firewall's limit for one IP address outside the marketplace's country. */
  readonly requestsPerFiveMinutes?: number | undefined;
}

export interface Notifications {
  readonly mode: 'push' | 'pull' | 'both' | 'off';
  readonly pullEverySeconds: number;
  /** The key that the marketplace sends with a push. */
  readonly apiKey?: string | undefined;
  /** The header with that key. */
  readonly header: string;
  /** Addresses and networks from which pushes are accepted; default: all. */
  readonly allowFrom?: readonly string[] | undefined;
  /** The error code that denies an approval request, by reason: numbers agreed with the marketplace. */
  readonly errorCodes?: Readonly<Record<string, number>> | undefined;
  /** The interval of the missed-booking poller. */
  readonly sweepMinutes: number;
  /** The largest push that is accepted. */
  readonly maxBytes: number;
}

/** The shortest delay before a missed booking is reported. */
const MIN_DELAY_MS = 5 * MINUTE;

/**
 * How long push and pull may still deliver a booking that a read has found, before the poller reports it, in milliseconds: five
 * minutes or two pulls, but not longer than until the next poll.
 */
export const missedBookingDelayMs = ({ pullEverySeconds, sweepMinutes }: Notifications): number =>
  Math.min(sweepMinutes * MINUTE, Math.max(MIN_DELAY_MS, 2_000 * pullEverySeconds));

/** The invented patient of a placeholder booking, never a real one. Contract: bookSlot. */
export interface PlaceholderPatient {
  readonly name: string;
  readonly phone: string;
  readonly surname?: string | undefined;
  readonly email?: string | undefined;
  readonly birth_date?: string | undefined;
  readonly nin?: string | undefined;
  readonly gender?: 'm' | 'f' | undefined;
}

/** The notifications of the engine's own changes that a clinic can ask for. `held` is always sent. */
export const OWN_NOTIFICATIONS = [
  'published',
  'failed',
  'held',
  'source-stale',
  'source-fresh',
  'account-paused',
  'account-resumed',
] as const;

export type OwnNotificationName = (typeof OWN_NOTIFICATIONS)[number];

/** The webhook to which the marketplace's notifications are delivered. */
export interface Destination {
  readonly url: string;
  /** `whsec_` and base64, or any other text, whose bytes are the key. */
  readonly secret: string;
  /** The endpoint that approves booking requests; without it the clinic is not asked. */
  readonly approvalUrl?: string | undefined;
  /** The engine's own changes that the account is notified of, by every channel; default: those of all accounts. */
  readonly events?: readonly OwnNotificationName[] | undefined;
}

/** The endpoint of the clinic's PMS that returns snapshots of all its calendars. */
export interface Source {
  readonly type: 'http';
  readonly url: string;
  /** Sent with the request; they may be secrets. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The limit for the whole response. */
  readonly timeoutSeconds: number;
}

export interface AccountSettings {
  readonly limits: Limits;
  readonly notifications: Notifications;
  /** Its own webhook, instead of the one for all accounts. */
  readonly delivery?: Destination | undefined;
  /** Default: a patient invented by the engine. */
  readonly placeholder?: PlaceholderPatient | undefined;
  /** Whether bookings are moved through the path of the founding page. Contract: Where the founding page and the live API differ. */
  readonly foundingMovePath?: boolean | undefined;
  readonly source?: Source | undefined;
}

export interface Account extends AccountSettings {
  readonly id: string;
  /** The account was put over HTTP, not by the operator: its URLs must be allowed by the network rules. */
  readonly overHttp?: true | undefined;
  /** `https://www.znanylekarz.pl`, without a path. */
  readonly baseUrl: string;
  readonly domain?: string | undefined;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The zone of dates, wall-clock times and the horizon. */
  readonly timeZone: string;
}

/** The default of `Notifications.maxBytes`. */
export const DEFAULT_MAX_PUSH_BYTES = 1024 * 1024;
