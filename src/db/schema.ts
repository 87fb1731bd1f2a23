/**
 * The record's tables, as Kysely sees them. The SQL that makes them is in `migrations/`; every name lives in
 * the schema `slotkeeper`, because BullMQ's schema comes first in the search path.
 */
import type { ColumnType, Generated, GeneratedAlways, JSONColumnType, Kysely } from 'kysely';

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
  'slotkeeper.address_services': AddressServicesTable;
  'slotkeeper.windows': WindowsTable;
  'slotkeeper.occupancy': OccupancyTable;
  'slotkeeper.events': EventsTable;
  'slotkeeper.days': DaysTable;
  'slotkeeper.verifications': VerificationsTable;
  'slotkeeper.requests': RequestsTable;
  'slotkeeper.payloads': PayloadsTable;
  'slotkeeper.bookings': BookingsTable;
  'slotkeeper.in_doubt_moves': InDoubtMovesTable;
  'slotkeeper.breaks': BreaksTable;
  'slotkeeper.reservations': ReservationsTable;
  'slotkeeper.account_tasks': AccountTasksTable;
  'slotkeeper.resyncs': ResyncsTable;
  'slotkeeper.resync_calendars': ResyncCalendarsTable;
  'slotkeeper.rejected_events': RejectedEventsTable;
  'slotkeeper.notifications': NotificationsTable;
  'slotkeeper.held_changes': HeldChangesTable;
  'slotkeeper.held_change_dates': HeldChangeDatesTable;
  'slotkeeper.run_deletions': RunDeletionsTable;
  'slotkeeper.staged_snapshots': StagedSnapshotsTable;
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
  /** Since when the marketplace gives it no access token that it accepts, when it was last so, and why. */
  refused_at: NullableTimestamp;
  last_refused_at: NullableTimestamp;
  refused_reason: string | null;
  /** Whether it was put over HTTP, and not by the operator. */
  over_http: Generated<boolean>;
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
  queued_priority: number | null;
  /** When an event or a snapshot of it last came, to the minute. */
  last_event_at: NullableTimestamp;
  /** When its bookings were last read, so that what no notification brought is found. */
  bookings_read_at: NullableTimestamp;
  lease_token: string | null;
  lease_until: NullableTimestamp;
  /** Attempts that failed one after another, for the backoff. */
  attempts: Generated<number>;
  retry_at: NullableTimestamp;
  /** Why the last attempt failed, while it is being retried. */
  retry_reason: string | null;
  /** Why the marketplace refuses the whole calendar, and since when; `retry_at` is when it is tried again then. */
  failed_reason: string | null;
  failed_at: NullableTimestamp;
  /** How often it was refused, one after another. */
  failures: Generated<number>;
  /** When every way of closing taken time was last refused; null where there was one. */
  closing_refused_at: NullableTimestamp;
  /** When it was last read what its address has; null where it never was. */
  address_read_at: NullableTimestamp;
  /** When that is to be read next; null where nobody has decided yet. */
  address_due_at: NullableTimestamp;
  /** Whether it can be booked, as it was last read. */
  marketplace_status: 'enabled' | 'disabled' | 'none' | null;
  /** Since when it is being closed, after which it is removed. */
  closing_since: NullableTimestamp;
  /** The calendar that was at this address before it changed to another one; null where it is a calendar of its own. */
  former_of: string | null;
  /** How its address was seen to cut periods with services of different durations; null until it was seen. */
  cut: 'duration' | 'divisor' | null;
  /** How far behind its writes its readings were, in milliseconds. */
  read_lag_ms: Generated<number>;
}

/** The services of an address as they were last read, and those that windows name and that are gone. */
export interface AddressServicesTable {
  calendar_id: string;
  id: string;
  name: string | null;
  /** Minutes; null where the marketplace did not say. */
  duration: number | null;
  gone_since: NullableTimestamp;
  /** Gone, and reported no more. */
  dropped: Generated<boolean>;
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
  /** Null once released: the row stays, because it knows the last version and when that was. */
  start_at: NullableTimestamp;
  end_at: NullableTimestamp;
  kind: string;
  service: string | null;
  version: ColumnType<string | null, number | null, number | null>;
  updated_at: Timestamp;
  /** Where in its queue the event stood that it is known from; null where that is no queue's job. */
  queue_counter: string | null;
  queue_number: ColumnType<string | null, number | null, number | null>;
}

export interface EventsTable {
  id: string;
  /** A hash of what it said; null where it came before these were kept. */
  content: string | null;
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
  priority: number | null;
  /** What was last published, as the marketplace's entries; null when nothing ever was. */
  published: ColumnType<unknown, string | null, string | null>;
  /** Whether the marketplace was seen to show it. */
  verified: boolean;
  published_at: NullableTimestamp;
  /** The change that could not be published, and why. */
  failed_generation: ColumnType<string | null, number | string | null, number | string | null>;
  error: ColumnType<unknown, string | null, string | null>;
  /** How often it failed, one after another, and when it is tried again. */
  failures: Generated<number>;
  retry_at: NullableTimestamp;
  /** When its windows were last said. */
  windows_at: NullableTimestamp;
  /** Where in its queue the event stood that they are known from; null where that is no queue's job. */
  windows_counter: string | null;
  windows_number: ColumnType<string | null, number | null, number | null>;
  /** When the newest snapshot that was complete for it was taken. */
  snapshot_at: NullableTimestamp;
}

/** A day that the marketplace was told, and that no reading has agreed with yet. */
export interface VerificationsTable {
  calendar_id: string;
  date: string;
  /** The day's; a newer one makes it void. */
  generation: BigInteger;
  /** When the marketplace was last written to for it. */
  written_at: Timestamp;
  /** When it is to be read; null where the day is to be written again first. */
  due_at: NullableTimestamp;
  /** Readings since then that showed something else. */
  differing: number;
  /** Readings that failed, one after another. */
  unread: number;
  /** Whether this generation was written twice, because of what was shown. */
  repaired: boolean;
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

export interface BookingsTable {
  calendar_id: string;
  /** The marketplace's visit booking id. A booking that is moved gets a new one. */
  id: string;
  /** Once canceled or moved it never comes back. */
  status: 'booked' | 'canceled' | 'moved';
  start_at: Timestamp;
  end_at: Timestamp;
  /** The address service. */
  service: string | null;
  booked_by: string | null;
  /** Ours, in place of the PMS's appointment `ref`. */
  placeholder: Generated<boolean>;
  /** The PMS's appointment that it is linked to, or that it stands for. */
  ref: string | null;
  /** Where that appointment was when the booking last agreed with it; null until it was seen occupied. */
  ref_start: NullableTimestamp;
  /** The booking that this one became by a move, where that is known. */
  moved_to: string | null;
  /** What the marketplace refused: an instant to move to, or `cancel`. */
  failed_for: string | null;
  failed_reason: string | null;
  /** How often it was refused, one after another, and when it is tried again. */
  failures: Generated<number>;
  retry_at: NullableTimestamp;
  updated_at: Timestamp;
}

/** Moves that were sent, until it is known what became of them. */
export interface InDoubtMovesTable {
  calendar_id: string;
  /** The visit booking id that it had before. */
  booking_id: string;
  start_at: Timestamp;
  /** Null where the marketplace decides how long the visit is. */
  minutes: number | null;
  address_id: string;
}

export interface BreaksTable {
  calendar_id: string;
  id: string;
  since_at: Timestamp;
  till_at: Timestamp;
  /** Made by us, to hide what is taken; null where its times are those of one that we asked for, and it was not read yet. */
  own: boolean | null;
  /** Made by us for another calendar, whose address is coupled with this one; null where its description was not read yet. */
  coupled: boolean | null;
  /** It never comes back. */
  removed: Generated<boolean>;
  /** It was not where it was looked for; it may be elsewhere. */
  unlisted: Generated<boolean>;
  /** The newest word of where it is: an older one changes nothing. */
  observed_at: Timestamp;
  updated_at: Timestamp;
}

export interface NotificationsTable {
  /** In which order they were taken in; a later one may be committed first. */
  seq: BigInteger;
  id: string;
  account_id: string;
  /** Without a foreign key: what was said stays when the calendar goes. */
  calendar_id: string | null;
  name: string;
  /** Of the content, so that a repeat is recognised. */
  hash: string;
  /** When the marketplace says that it said it. */
  created_at: NullableTimestamp;
  received_at: Timestamp;
  source: 'push' | 'pull' | 'sweep' | 'engine';
  booking_id: string | null;
  /** The PMS's appointment that the booking is linked to. */
  ref: string | null;
  /** The booking that it was by then, where it had moved. */
  moved_to: Generated<string | null>;
  /** Sealed; null once removed. */
  data: Buffer | null;
  /** Where it could not be read, without any of its values. */
  problem: string | null;
  /** When a person had seen that. */
  dismissed_at: NullableTimestamp;
  /** Its place in what readers see, given out after its commit; null until then. */
  position: ColumnType<string | null, never, string>;
  /** When it was put on the queue for the PMS. */
  queued_at: NullableTimestamp;
  delivered_at: NullableTimestamp;
  /** Attempts to deliver it that failed. */
  attempts: Generated<number>;
  first_attempt_at: NullableTimestamp;
  retry_at: NullableTimestamp;
  /** Whether the clinic asked for that wait. */
  pause_asked: Generated<boolean>;
  /** Why the last attempt failed, while it is being retried. */
  retry_reason: string | null;
  failed_at: NullableTimestamp;
  failed_reason: string | null;
  /** When it was given up, by a person or because nothing wanted it in time. */
  dropped_at: NullableTimestamp;
  /** When its data was removed. */
  purged_at: NullableTimestamp;
}

/** What would take away too much at once, and waits for a person. */
export interface HeldChangesTable {
  id: Generated<string>;
  calendar_id: string;
  cause: 'snapshot' | 'configuration';
  from_date: string;
  to_date: string;
  /** Of when it speaks: what is known of later is not touched by it. */
  observed_at: Timestamp;
  held_at: Timestamp;
  /** How much of what it would take away. */
  deletions: JSONColumnType<object>;
  /** The refs that it would release. */
  releases: JSONColumnType<string[]>;
  /** The calendar as it was configured, where that is what is held. */
  calendar: ColumnType<unknown, string | null, string | null>;
}

export interface HeldChangeDatesTable {
  held_change_id: BigInteger;
  date: string;
  /** The windows that were asked for; null where only releases are held. */
  windows: ColumnType<unknown, string | null, string | null>;
}

/** What one run of an import or a source has taken away so far, of how much. */
export interface RunDeletionsTable {
  run_id: string;
  scope: 'calendar' | 'account';
  id: string;
  minutes: number;
  minutes_deleted: Generated<number>;
  occupancies: number;
  occupancies_deleted: Generated<number>;
  begun_at: Timestamp;
}

/** As it came, and known to be readable. */
export interface StagedSnapshot {
  readonly calendar: string;
  readonly complete?: unknown;
}

export interface StagedSnapshotsTable {
  run_id: string;
  line: number;
  account_id: string;
  body: ColumnType<StagedSnapshot, string, string>;
  staged_at: Timestamp;
}

export interface ReservationsTable {
  id: string;
  calendar_id: string;
  start_at: Timestamp;
  end_at: Timestamp;
  expires_at: Timestamp;
}

export interface AccountTasksTable {
  account_id: string;
  kind: 'pull' | 'redelivery';
  /** Who is running it, until when (the database's clock). */
  token: string | null;
  until: NullableTimestamp;
  /** When it is due. */
  next_at: Timestamp;
  failures: Generated<number>;
}

export interface ResyncsTable {
  id: string;
  /** Where it is for one account's calendars. */
  account_id: string | null;
  dry_run: boolean;
  state: 'fetching' | 'running' | 'done' | 'failed';
  /** Of accounts whose source could not be read. */
  failures: JSONColumnType<readonly object[]>;
  /** Of accounts whose source names other calendars than the record. */
  sources: Generated<JSONColumnType<readonly object[]>>;
  started_at: Timestamp;
  /** When its job was last added. */
  queued_at: Timestamp;
  /** When its calendars began to be compared. */
  running_at: NullableTimestamp;
  finished_at: NullableTimestamp;
}

export interface ResyncCalendarsTable {
  resync_id: string;
  calendar_id: string;
  state: Generated<'waiting' | 'compared' | 'done' | 'failed'>;
  reason: string | null;
  days_compared: Generated<number>;
  /** Days on which starts are missing, show that should not, hide for nothing, or others' bookings were not known. */
  missing: Generated<number>;
  extra: Generated<number>;
  stale: Generated<number>;
  foreign: Generated<number>;
  /** Whether days that had failed before were tried again for it. */
  retried: Generated<boolean>;
  reads: Generated<number>;
  writes: Generated<number>;
  /** Those days, one by one. */
  days: ColumnType<unknown, string | null, string | null>;
  enqueued_at: NullableTimestamp;
  /** Comparisons that failed, and when the next is due. */
  tries: Generated<number>;
  retry_at: NullableTimestamp;
}

export interface RejectedEventsTable {
  id: GeneratedAlways<string>;
  /** See keptEvent. */
  data: string | null;
  reason: string;
  at: Timestamp;
}
