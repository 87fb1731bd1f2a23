/** An account as it is configured: an API client of the marketplace, its zone, its limits, its endpoints. */
import { MINUTE } from '../../core/duration.js';

/** What the marketplace allows one client. Contract: Limits. */
export interface Limits {
  readonly writesPerMinute: number;
  readonly writesPerHour: number;
  readonly requestsPerHour: number;
  /** From one address outside the marketplace's country; its firewall counts. */
  readonly requestsPerFiveMinutes?: number | undefined;
}

export interface Notifications {
  readonly mode: 'push' | 'pull' | 'both' | 'off';
  readonly pullEverySeconds: number;
  /** Expected from the marketplace when it pushes. */
  readonly apiKey?: string | undefined;
  /** In which header. */
  readonly header: string;
  /** Addresses and networks that pushes may come from; all where there is no list. */
  readonly allowFrom?: readonly string[] | undefined;
  /** What a patient is told when a question is denied, by reason: numbers that were agreed with the marketplace. */
  readonly errorCodes?: Readonly<Record<string, number>> | undefined;
  /** How often the bookings are read, so that what was not delivered is found. */
  readonly sweepMinutes: number;
  /** The largest push that is taken. */
  readonly maxBytes: number;
}

/** What is found by a reading is told after so long, or two pulls, but not later than the next reading. */
const TELL_AFTER_MS = 5 * MINUTE;

/** How long push and pull have to tell what a reading has found, in milliseconds. */
export const missedBookingDelayMs = ({ pullEverySeconds, sweepMinutes }: Notifications): number =>
  Math.min(sweepMinutes * MINUTE, Math.max(TELL_AFTER_MS, 2_000 * pullEverySeconds));

/** Who a placeholder booking is made for: made up, never a real patient. Contract: bookSlot. */
export interface PlaceholderPatient {
  readonly name: string;
  readonly phone: string;
  readonly surname?: string | undefined;
  readonly email?: string | undefined;
  readonly birth_date?: string | undefined;
  readonly nin?: string | undefined;
  readonly gender?: 'm' | 'f' | undefined;
}

/** Where a clinic is told what the marketplace said. */
export interface Destination {
  readonly url: string;
  /** `whsec_` and base64, or any other text, whose bytes are the key. */
  readonly secret: string;
  /** Where it is asked whether a patient may book; it is not, where there is none. */
  readonly approvalUrl?: string | undefined;
}

/** Where the clinic's own system answers with snapshots of all its calendars. */
export interface Source {
  readonly type: 'http';
  readonly url: string;
  /** Sent with the request; they may be secrets. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** For the whole answer. */
  readonly timeoutSeconds: number;
}

export interface AccountSettings {
  readonly limits: Limits;
  readonly notifications: Notifications;
  /** Its own webhook, instead of the one for all accounts. */
  readonly delivery?: Destination | undefined;
  /** Default: one of ours. */
  readonly placeholder?: PlaceholderPatient | undefined;
  /** Whether bookings are moved by the founding page's path. Contract: Where the founding page and the live API differ. */
  readonly foundingMovePath?: boolean | undefined;
  readonly source?: Source | undefined;
}

export interface Account extends AccountSettings {
  readonly id: string;
  /** Put over HTTP and not by the operator: only addresses that the network's rules allow are asked for it. */
  readonly overHttp?: true | undefined;
  /** `https://www.znanylekarz.pl`, without a path. */
  readonly baseUrl: string;
  readonly domain?: string | undefined;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The zone that dates, wall-clock times and the horizon are read in. */
  readonly timeZone: string;
}

/** How large a push may be. */
export const DEFAULT_MAX_PUSH_BYTES = 1024 * 1024;
