/**
 * The types of the database's tables for Kysely, and the description of every column. The SQL that creates the tables is in
 * `migrations/`. Names are qualified with the schema `slotkeeper`, because BullMQ's schema comes first in the search path.
 */
import type { ColumnType, Generated, GeneratedAlways, JSONColumnType, Kysely } from 'kysely';

type Timestamp = ColumnType<Date, Date, Date>;
type NullableTimestamp = ColumnType<Date | null, Date | null | undefined, Date | null>;
/** int8, which both drivers return as text. */
type BigInteger = ColumnType<string, number | string, number | string>;

export type Strategy = 'slots' | 'breaks' | 'book';

/** The database or a transaction of it. */
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
  'slotkeeper.in_doubt': InDoubtTable;
  'slotkeeper.breaks': BreaksTable;
  'slotkeeper.reservations': ReservationsTable;
  'slotkeeper.scheduled_tasks': ScheduledTasksTable;
  'slotkeeper.resyncs': ResyncsTable;
  'slotkeeper.resync_calendars': ResyncCalendarsTable;
  'slotkeeper.rejected_events': RejectedEventsTable;
  'slotkeeper.notifications': NotificationsTable;
  'slotkeeper.changes_to_notify': ChangesToNotifyTable;
  'slotkeeper.held_changes': HeldChangesTable;
  'slotkeeper.held_change_dates': HeldChangeDatesTable;
  'slotkeeper.run_deletions': RunDeletionsTable;
  'slotkeeper.staged_snapshots': StagedSnapshotsTable;
  'slotkeeper.history': HistoryTable;
  'slotkeeper.accuracy': AccuracyTable;
}

export interface AccountsTable {
  id: string;
  base_url: string;
  domain: string | null;
  client_id: string;
  client_secret: string;
  time_zone: string;
  /** The rest of the configuration: limits, notifications, delivery, source (`AccountSettings`). */
  settings: JSONColumnType<object>;
  /** No request is sent before this instant (circuit open: the marketplace's rate limiter or its firewall refused one). */
  paused_until: NullableTimestamp;
  /** Consecutive pauses by the firewall; each is longer. */
  pauses: Generated<number>;
  paused_reason: string | null;
  /** Since when the marketplace refuses the account's credentials or its access token, when it last did, and why. */
  refused_at: NullableTimestamp;
  last_refused_at: NullableTimestamp;
  refused_reason: string | null;
  /** Whether the account was put over HTTP, not by the operator. */
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
  /** The priority of the calendar's queued job (1 is the highest); null when no job is known to be queued. */
  queued_priority: number | null;
  /** When the PMS last sent an event or a snapshot of the calendar, to the minute. */
  last_event_at: NullableTimestamp;
  /** When the missed-booking poller last read the calendar's bookings. */
  bookings_read_at: NullableTimestamp;
  /** The worker that holds the calendar's lease, and until when by the database's clock. */
  lease_token: string | null;
  lease_until: NullableTimestamp;
  /** Consecutive failed attempts, for the backoff. */
  attempts: Generated<number>;
  retry_at: NullableTimestamp;
  /** Why the last attempt failed, while the calendar is retried. */
  retry_reason: string | null;
  /** Why the marketplace refuses the whole calendar, and since when; it is retried at `retry_at`. */
  failed_reason: string | null;
  failed_at: NullableTimestamp;
  /** Consecutive refusals. */
  failures: Generated<number>;
  /** When every method of closing busy time was last refused; null where one succeeded. */
  closing_refused_at: NullableTimestamp;
  /** When the calendar's address (services, status) was last read; null where never. */
  address_read_at: NullableTimestamp;
  /** When the address is to be read next; null where the first read is not scheduled yet. */
  address_due_at: NullableTimestamp;
  /** Whether patients can book the calendar, as last read. `none`: the address has no calendar. */
  marketplace_status: 'enabled' | 'disabled' | 'none' | null;
  /** Since when the calendar is being closed; it is deleted once nothing of it is on sale. */
  closing_since: NullableTimestamp;
  /** Set where this row is the former address of a calendar that moved: the id of that calendar. */
  former_of: string | null;
  /** How the marketplace cuts periods with services of different durations at this address; null until observed. */
  cut: 'duration' | 'divisor' | null;
  /** The observed delay between a write and the first read that shows it, in milliseconds. */
  read_lag_ms: Generated<number>;
}

/** The services of an address as last read, and the services that windows name but the address has no more. */
export interface AddressServicesTable {
  calendar_id: string;
  id: string;
  name: string | null;
  /** Minutes; null where the marketplace reported none. */
  duration: number | null;
  /** Since when reads of the address lack the service; null while it exists. */
  gone_since: NullableTimestamp;
  /** Whether a person dropped the failure, so that it is not reported any more. */
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
  /** Both null once released: the row stays, because it stores the last version and its time. */
  start_at: NullableTimestamp;
  end_at: NullableTimestamp;
  kind: string;
  service: string | null;
  /** The version of the last applied event; null where it had none. */
  version: ColumnType<string | null, number | null, number | null>;
  updated_at: Timestamp;
  /** The queue position of the last applied event; null where it did not come from a queue. */
  queue_counter: string | null;
  queue_number: ColumnType<string | null, number | null, number | null>;
}

export interface EventsTable {
  id: string;
  /** A hash of the event's content; null for events received before hashes were stored. */
  content: string | null;
  received_at: Timestamp;
}

export interface DaysTable {
  calendar_id: string;
  date: string;
  /** Counts the changes of the day. */
  generation: BigInteger;
  /** The generation that was last published; the day is pending while it is lower than `generation`. */
  published_generation: BigInteger;
  /** When the oldest unpublished change was made. */
  pending_since: NullableTimestamp;
  /** The highest priority of the unpublished changes (1 is the highest). */
  priority: number | null;
  /** The slots that were last published, as the marketplace's entries; null when nothing was ever published. */
  published: ColumnType<unknown, string | null, string | null>;
  /** Whether a read has shown that the marketplace has exactly the published slots. */
  verified: boolean;
  published_at: NullableTimestamp;
  /** What the last read of the marketplace showed (`ShownDay`), and when it was read; null where the day was never read. */
  shown: ColumnType<unknown, string | null, string | null>;
  shown_at: NullableTimestamp;
  /** The generation that could not be published, and why. */
  failed_generation: ColumnType<string | null, number | string | null, number | string | null>;
  error: ColumnType<unknown, string | null, string | null>;
  /** Consecutive failures, and when the day is retried. */
  failures: Generated<number>;
  retry_at: NullableTimestamp;
  /** The time of the event or snapshot that last set the windows. */
  windows_at: NullableTimestamp;
  /** The queue position of the event that set them; null where it did not come from a queue. */
  windows_counter: string | null;
  windows_number: ColumnType<string | null, number | null, number | null>;
  /** The time of the newest snapshot that was complete for the day. */
  snapshot_at: NullableTimestamp;
}

/** Published days that no read has verified yet. */
export interface VerificationsTable {
  calendar_id: string;
  date: string;
  /** The day's generation when it was published; a newer one invalidates the row. */
  generation: BigInteger;
  /** When the day was last written to the marketplace. */
  written_at: Timestamp;
  /** When the day is to be read; null where it is to be written again first. */
  due_at: NullableTimestamp;
  /** Reads since then that showed different slots. */
  differing: number;
  /** Consecutive failed reads. */
  unread: number;
  /** Whether this generation was written a second time because a read differed. */
  repaired: boolean;
}

/** Requests to the marketplace, for the rate limiter's sliding windows. */
export interface RequestsTable {
  id: Generated<string>;
  account_id: string;
  /** When the request was answered; until then the latest instant at which the answer can arrive. */
  at: Timestamp;
  /** Whether it was a write. */
  write: boolean;
}

/** Hashes of the payloads that were sent lately, because the marketplace ignores a repeated payload. */
export interface PayloadsTable {
  calendar_id: string;
  hash: string;
  sent_at: Timestamp;
}

export interface BookingsTable {
  calendar_id: string;
  /** The marketplace's visit booking id. A moved booking gets a new one. */
  id: string;
  /** A canceled or moved booking never becomes booked again. */
  status: 'booked' | 'canceled' | 'moved';
  start_at: Timestamp;
  end_at: Timestamp;
  /** The address service id. */
  service: string | null;
  booked_by: string | null;
  /** Whether the engine made the booking to block the time of the PMS's appointment `ref`. */
  placeholder: Generated<boolean>;
  /** The PMS's appointment that the booking is linked to, or that the placeholder blocks. */
  ref: string | null;
  /** The appointment's start when both last had the same time; null until the appointment was occupied. */
  ref_start: NullableTimestamp;
  /** The new id after a move, where it is known. */
  moved_to: string | null;
  /** The change that the marketplace refused: the instant to move to, or `cancel`. */
  failed_for: string | null;
  failed_reason: string | null;
  /** Consecutive refusals, and when the change is retried. */
  failures: Generated<number>;
  retry_at: NullableTimestamp;
  updated_at: Timestamp;
}

/** Requests to the marketplace that may have been executed although no answer was received. */
export interface InDoubtTable {
  calendar_id: string;
  kind: 'break' | 'placeholder' | 'move';
  /** A move: the visit booking id before it. A break: its times. A placeholder: its start and its appointment's ref. */
  subject: string;
  /** The requested times; the end of a move is null where the marketplace decides it. */
  start_at: Timestamp;
  end_at: NullableTimestamp;
  /** The address that a booking moves to; null for other kinds. */
  address_id: string | null;
  /** When the request was about to be sent. */
  requested_at: Timestamp;
}

export interface BreaksTable {
  calendar_id: string;
  id: string;
  since_at: Timestamp;
  till_at: Timestamp;
  /** Whether the engine made the break to block busy time; null where its times equal those of a requested break and it was not read yet. */
  own: boolean | null;
  /** Whether the engine made it for another calendar whose address is coupled with this one; null until its description was read. */
  coupled: boolean | null;
  /** Deleted on the marketplace; final. */
  removed: Generated<boolean>;
  /** A read of its time did not list it; it may be at another time. */
  unlisted: Generated<boolean>;
  /** The time of the newest observation of its times; an older observation changes nothing. */
  observed_at: Timestamp;
  updated_at: Timestamp;
}

export interface NotificationsTable {
  /** The order of ingestion; a later one may be committed first. */
  seq: BigInteger;
  id: string;
  account_id: string;
  /** Without a foreign key: the notification stays when the calendar is deleted. */
  calendar_id: string | null;
  name: string;
  /** A hash of the content, which identifies repeats. */
  hash: string;
  /** The marketplace's creation time. */
  created_at: NullableTimestamp;
  received_at: Timestamp;
  source: 'push' | 'pull' | 'sweep' | 'engine';
  booking_id: string | null;
  /** The PMS's appointment that the booking is linked to. */
  ref: string | null;
  /** The booking's id at ingestion, where it had moved by then. */
  moved_to: Generated<string | null>;
  /** Encrypted; null once purged. */
  data: Buffer | null;
  /** Why the content could not be parsed, without any of its values. */
  problem: string | null;
  /** When a person dismissed that problem. */
  dismissed_at: NullableTimestamp;
  /** The position in the feed, assigned after the commit; null until then. */
  position: ColumnType<string | null, never, string>;
  /** When it was added to the PMS's queue. */
  queued_at: NullableTimestamp;
  delivered_at: NullableTimestamp;
  /** Failed delivery attempts. */
  attempts: Generated<number>;
  first_attempt_at: NullableTimestamp;
  retry_at: NullableTimestamp;
  /** Whether the PMS requested that wait (Retry-After). */
  pause_asked: Generated<boolean>;
  /** Whether it is about a change of the engine's own that `delivery.events` names. */
  own: Generated<boolean>;
  /** Why the last attempt failed, while the delivery is retried. */
  retry_reason: string | null;
  failed_at: NullableTimestamp;
  failed_reason: string | null;
  /** When it was dropped, by a person or because it expired without a receiver. */
  dropped_at: NullableTimestamp;
  /** When its data was purged. */
  purged_at: NullableTimestamp;
}

/** Changes that would delete too much at once and wait for a person's approval. */
/** Changes of the engine's own that are not in a notification yet. */
export interface ChangesToNotifyTable {
  id: Generated<string>;
  account_id: string;
  /** Null where the change is the account's. */
  calendar_id: string | null;
  name: string;
  at: Timestamp;
  /** Local dates. */
  dates: JSONColumnType<string[]>;
  /** The PMS's appointments. */
  refs: JSONColumnType<string[]>;
  /** The other facts of the change. */
  detail: JSONColumnType<object>;
}

export interface HeldChangesTable {
  id: Generated<string>;
  calendar_id: string;
  cause: 'snapshot' | 'configuration';
  from_date: string;
  to_date: string;
  /** The time of the change's data: newer data is not overwritten by it. */
  observed_at: Timestamp;
  held_at: Timestamp;
  /** The amounts that it would delete. */
  deletions: JSONColumnType<object>;
  /** The refs of the appointments that it would release. */
  releases: JSONColumnType<string[]>;
  /** The new configuration, where the cause is `configuration`. */
  calendar: ColumnType<unknown, string | null, string | null>;
}

export interface HeldChangeDatesTable {
  held_change_id: BigInteger;
  date: string;
  /** The new windows of the date; null where only releases are held. */
  windows: ColumnType<unknown, string | null, string | null>;
}

/** How much one run of an import or a source has deleted so far, and of how much. */
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

/** The snapshot as received; its syntax is checked. */
export interface StagedSnapshot {
  readonly calendar: string;
  readonly complete?: unknown;
}

/** The lines of an import or a source, stored until the last one is received. */
export interface StagedSnapshotsTable {
  run_id: string;
  line: number;
  account_id: string;
  body: ColumnType<StagedSnapshot, string, string>;
  staged_at: Timestamp;
}

/** Times that an approved booking request reserves until the booking arrives. */
export interface ReservationsTable {
  id: string;
  calendar_id: string;
  start_at: Timestamp;
  end_at: Timestamp;
  expires_at: Timestamp;
}

/** Recurring tasks of an account, each run by one process at a time. */
export interface ScheduledTasksTable {
  account_id: string;
  kind: 'pull' | 'redelivery' | 'resync';
  /** The process that runs the task, and until when by the database's clock. */
  token: string | null;
  until: NullableTimestamp;
  /** When the task is due. */
  next_at: Timestamp;
  /** Consecutive failures. */
  failures: Generated<number>;
}

export interface ResyncsTable {
  id: string;
  /** Set where the resync covers one account's calendars; null for all. */
  account_id: string | null;
  dry_run: boolean;
  state: 'fetching' | 'running' | 'done' | 'failed';
  /** Accounts whose source could not be read. */
  failures: JSONColumnType<readonly object[]>;
  /** Accounts whose source names other calendars than the database. */
  sources: Generated<JSONColumnType<readonly object[]>>;
  started_at: Timestamp;
  /** When the resync's job was last enqueued. */
  queued_at: Timestamp;
  /** When the comparison of its calendars began. */
  running_at: NullableTimestamp;
  finished_at: NullableTimestamp;
}

export interface ResyncCalendarsTable {
  resync_id: string;
  calendar_id: string;
  state: Generated<'waiting' | 'compared' | 'done' | 'failed'>;
  reason: string | null;
  days_compared: Generated<number>;
  /** Numbers of days with missing starts, extra starts, needless blocks, and unknown bookings of others. */
  missing: Generated<number>;
  extra: Generated<number>;
  stale: Generated<number>;
  foreign: Generated<number>;
  /** Whether the days that had failed before were retried for this resync. */
  retried: Generated<boolean>;
  reads: Generated<number>;
  writes: Generated<number>;
  /** The differing days, one entry each. */
  days: ColumnType<unknown, string | null, string | null>;
  enqueued_at: NullableTimestamp;
  /** Failed comparisons, and when the next one is due. */
  tries: Generated<number>;
  retry_at: NullableTimestamp;
}

export interface RejectedEventsTable {
  id: GeneratedAlways<string>;
  /** The event as JSON; null where it was too long to store. */
  data: string | null;
  reason: string;
  at: Timestamp;
}

/** One row for each thing that happened, never changed; deleted after `history.keepDays`. Without patients and secrets. */
export interface HistoryTable {
  id: GeneratedAlways<string>;
  /** The transaction that inserted the row. Rows of finished transactions only are read, so that no reader skips one. */
  transaction_id: Generated<string>;
  at: Timestamp;
  /** `HistoryKind` of `tables/history.ts`. */
  kind: string;
  account_id: string | null;
  calendar_id: string | null;
  date: string | null;
  ref: string | null;
  booking_id: string | null;
  /** The name of the API key, or the channel or part that caused it. */
  actor: string | null;
  detail: JSONColumnType<object>;
}

/** Histograms of an account and a local date: durations in milliseconds, or numbers in `total`. Deleted after a year. */
export interface AccuracyTable {
  account_id: string;
  date: string;
  /** `Measure` of `tables/accuracy.ts`. */
  measure: string;
  /** An eighth of an octave: durations up to 2^(bucket / 8) milliseconds. */
  bucket: number;
  count: BigInteger;
  total: number;
  longest: number;
}
