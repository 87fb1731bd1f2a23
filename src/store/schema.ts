/**
 * The record's tables, as Kysely sees them. The SQL that makes them is in `migrations/`; every name lives in
 * the schema `slotkeeper`, because BullMQ's schema comes first in the search path.
 */
import type { ColumnType, Generated, JSONColumnType, Kysely } from 'kysely';

type Timestamp = ColumnType<Date, Date, Date>;
type NullableTimestamp = ColumnType<Date | null, Date | null | undefined, Date | null>;
/** int8, which both drivers give as text. */
type BigInteger = ColumnType<string, number | string, number | string>;

export type Strategy = 'slots' | 'breaks' | 'book';

/** The record, to be queried; a transaction of it is one too. */
export type Db = Kysely<Tables>;

export interface Tables {
  'slotkeeper.accounts': AccountsTable;
  'slotkeeper.calendars': CalendarsTable;
  'slotkeeper.windows': WindowsTable;
  'slotkeeper.occupancy': OccupancyTable;
  'slotkeeper.events': EventsTable;
  'slotkeeper.days': DaysTable;
  'slotkeeper.requests': RequestsTable;
  'slotkeeper.payloads': PayloadsTable;
}

export interface AccountsTable {
  id: string;
  base_url: string;
  domain: string | null;
  client_id: string;
  client_secret: string;
  time_zone: string;
  /** Limits, notifications: what the account says beyond its identity. */
  settings: JSONColumnType<object>;
  /** The marketplace asked for silence until then (its limiter, or its firewall). */
  paused_until: NullableTimestamp;
  /** How many pauses came one after another: each is longer. */
  pauses: Generated<number>;
  paused_reason: string | null;
}

export interface CalendarsTable {
  id: string;
  account_id: string;
  facility_id: string;
  doctor_id: string;
  address_id: string;
  strategy: Strategy;
  settings: JSONColumnType<object>;
  /** How urgent the job is that waits for it; null when none does, as far as the record knows. */
  queued_urgency: number | null;
  lease_token: string | null;
  lease_until: NullableTimestamp;
  /** Attempts that failed one after another, for the backoff. */
  attempts: Generated<number>;
  retry_at: NullableTimestamp;
  /** Why the last attempt failed, while it is being retried. */
  retry_reason: string | null;
  /** Why the whole calendar is not tried any more, until it is changed or asked to. */
  failed_reason: string | null;
  failed_at: NullableTimestamp;
}

export interface WindowsTable {
  calendar_id: string;
  /** The local date of its start. */
  date: string;
  start_at: Timestamp;
  end_at: Timestamp;
  services: JSONColumnType<readonly { readonly id: string; readonly duration: number }[]>;
  insurance: JSONColumnType<object> | null;
}

export interface OccupancyTable {
  calendar_id: string;
  ref: string;
  /** Null once released: the row stays, because it knows the last version. */
  start_at: NullableTimestamp;
  end_at: NullableTimestamp;
  kind: string;
  service: string | null;
  version: ColumnType<string | null, number | null, number | null>;
  updated_at: Timestamp;
}

export interface EventsTable {
  id: string;
  received_at: Timestamp;
}

export interface DaysTable {
  calendar_id: string;
  date: string;
  /** Counts the changes of the day. */
  generation: BigInteger;
  /** The change up to which the marketplace has been told; the day is pending while it is behind. */
  published_generation: BigInteger;
  /** When the oldest change that is not published yet came. */
  pending_since: NullableTimestamp;
  /** The most urgent of them (1 is the most urgent). */
  urgency: number | null;
  /** What was last published, as the marketplace's entries; null when nothing ever was. */
  published: ColumnType<unknown, string | null, string | null>;
  /** Whether the marketplace was seen to show it. */
  verified: boolean;
  published_at: NullableTimestamp;
  /** The change that could not be published, and why. */
  failed_generation: ColumnType<string | null, number | string | null, number | string | null>;
  error: ColumnType<unknown, string | null, string | null>;
}

export interface RequestsTable {
  id: Generated<string>;
  account_id: string;
  at: Timestamp;
  write: boolean;
}

export interface PayloadsTable {
  calendar_id: string;
  hash: string;
  sent_at: Timestamp;
}
