/** All tables. Times are instants; dates are local to the account's zone. Columns are described in `schema.ts`. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `CREATE TABLE slotkeeper.accounts (
    id text PRIMARY KEY,
    base_url text NOT NULL,
    domain text,
    client_id text NOT NULL,
    client_secret text NOT NULL,
    time_zone text NOT NULL,
    settings jsonb NOT NULL DEFAULT '{}',
    paused_until timestamptz,
    pauses integer NOT NULL DEFAULT 0,
    paused_reason text,
    over_http boolean NOT NULL DEFAULT true,
    refused_at timestamptz,
    last_refused_at timestamptz,
    refused_reason text
  )`,

  `CREATE TABLE slotkeeper.scheduled_tasks (
    account_id text NOT NULL REFERENCES slotkeeper.accounts (id) ON DELETE CASCADE,
    kind text NOT NULL,
    token text,
    until timestamptz,
    next_at timestamptz NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, kind),
    CHECK (kind IN ('pull', 'redelivery', 'resync'))
  )`,

  `CREATE TABLE slotkeeper.calendars (
    id text PRIMARY KEY,
    account_id text NOT NULL REFERENCES slotkeeper.accounts (id),
    facility_id text NOT NULL,
    doctor_id text NOT NULL,
    address_id text NOT NULL,
    strategy text NOT NULL,
    settings jsonb NOT NULL DEFAULT '{}',
    queued_priority integer,
    lease_token text,
    lease_until timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    retry_reason text,
    failed_reason text,
    failed_at timestamptz,
    bookings_read_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    closing_refused_at timestamptz,
    address_read_at timestamptz,
    address_due_at timestamptz,
    marketplace_status text,
    closing_since timestamptz,
    former_of text,
    cut text,
    read_lag_ms integer NOT NULL DEFAULT 0,
    last_event_at timestamptz,
    CHECK (cut IN ('duration', 'divisor')),
    CONSTRAINT calendars_former_closes CHECK (former_of IS NULL OR closing_since IS NOT NULL),
    CHECK (marketplace_status IN ('enabled', 'disabled', 'none')),
    CHECK (strategy IN ('slots', 'breaks', 'book')),
    CONSTRAINT calendars_one_per_address UNIQUE (account_id, facility_id, doctor_id, address_id)
  )`,
  `CREATE INDEX calendars_by_address_due ON slotkeeper.calendars (address_due_at)`,
  `CREATE INDEX calendars_closing ON slotkeeper.calendars (id) WHERE closing_since IS NOT NULL`,
  `CREATE INDEX calendars_former ON slotkeeper.calendars (former_of) WHERE former_of IS NOT NULL`,

  `CREATE TABLE slotkeeper.address_services (
    calendar_id text NOT NULL REFERENCES slotkeeper.calendars (id) ON DELETE CASCADE,
    id text NOT NULL,
    name text,
    duration integer,
    gone_since timestamptz,
    dropped boolean NOT NULL DEFAULT false,
    PRIMARY KEY (calendar_id, id)
  )`,

  `CREATE TABLE slotkeeper.windows (
    calendar_id text NOT NULL REFERENCES slotkeeper.calendars (id) ON DELETE CASCADE,
    date date NOT NULL,
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL,
    services jsonb NOT NULL,
    insurance jsonb,
    CHECK (start_at < end_at)
  )`,
  `CREATE INDEX windows_of_day ON slotkeeper.windows (calendar_id, date)`,

  `CREATE TABLE slotkeeper.occupancy (
    calendar_id text NOT NULL REFERENCES slotkeeper.calendars (id) ON DELETE CASCADE,
    ref text NOT NULL,
    start_at timestamptz,
    end_at timestamptz,
    kind text NOT NULL,
    service text,
    version bigint,
    updated_at timestamptz NOT NULL,
    queue_counter text,
    queue_number bigint,
    PRIMARY KEY (calendar_id, ref),
    CHECK ((start_at IS NULL) = (end_at IS NULL)),
    CHECK (start_at < end_at)
  )`,
  `CREATE INDEX occupancy_by_end ON slotkeeper.occupancy (calendar_id, end_at) WHERE end_at IS NOT NULL`,
  // Released appointments without a version are deleted after some days: this index finds them.
  `CREATE INDEX occupancy_released ON slotkeeper.occupancy (updated_at)
    WHERE start_at IS NULL AND version IS NULL`,

  `CREATE TABLE slotkeeper.events (
    id text PRIMARY KEY,
    received_at timestamptz NOT NULL,
    content text
  )`,
  `CREATE INDEX events_by_age ON slotkeeper.events (received_at)`,

  `CREATE TABLE slotkeeper.rejected_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    data text,
    reason text NOT NULL,
    at timestamptz NOT NULL
  )`,

  `CREATE TABLE slotkeeper.days (
    calendar_id text NOT NULL REFERENCES slotkeeper.calendars (id) ON DELETE CASCADE,
    date date NOT NULL,
    generation bigint NOT NULL,
    published_generation bigint NOT NULL DEFAULT 0,
    pending_since timestamptz,
    priority integer,
    published json,
    verified boolean NOT NULL DEFAULT false,
    published_at timestamptz,
    shown json,
    shown_at timestamptz,
    failed_generation bigint,
    error jsonb,
    windows_at timestamptz,
    snapshot_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    windows_counter text,
    windows_number bigint,
    PRIMARY KEY (calendar_id, date)
  )`,
  // What is wanted and not yet published is this index: the requeue sweep and the status read nothing else.
  `CREATE INDEX days_pending ON slotkeeper.days (calendar_id, date) WHERE generation > published_generation`,

  `CREATE TABLE slotkeeper.verifications (
    calendar_id text NOT NULL,
    date date NOT NULL,
    generation bigint NOT NULL,
    written_at timestamptz NOT NULL,
    due_at timestamptz,
    differing integer NOT NULL,
    unread integer NOT NULL,
    repaired boolean NOT NULL,
    PRIMARY KEY (calendar_id, date),
    FOREIGN KEY (calendar_id, date) REFERENCES slotkeeper.days (calendar_id, date) ON DELETE CASCADE
  )`,

  `CREATE TABLE slotkeeper.requests (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL REFERENCES slotkeeper.accounts (id) ON DELETE CASCADE,
    at timestamptz NOT NULL,
    write boolean NOT NULL
  )`,
  `CREATE INDEX requests_by_age ON slotkeeper.requests (account_id, write, at DESC)`,

  `CREATE TABLE slotkeeper.payloads (
    calendar_id text NOT NULL REFERENCES slotkeeper.calendars (id) ON DELETE CASCADE,
    hash text NOT NULL,
    sent_at timestamptz NOT NULL,
    PRIMARY KEY (calendar_id, hash)
  )`,

  `CREATE TABLE slotkeeper.bookings (
    calendar_id text NOT NULL REFERENCES slotkeeper.calendars (id) ON DELETE CASCADE,
    id text NOT NULL,
    status text NOT NULL,
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL,
    service text,
    booked_by text,
    placeholder boolean NOT NULL DEFAULT false,
    ref text,
    ref_start timestamptz,
    moved_to text,
    failed_for text,
    failed_reason text,
    updated_at timestamptz NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    PRIMARY KEY (calendar_id, id),
    CHECK (start_at < end_at),
    CHECK (status IN ('booked', 'canceled', 'moved'))
  )`,
  `CREATE INDEX bookings_by_end ON slotkeeper.bookings (calendar_id, end_at) WHERE status = 'booked'`,
  // A booking that moves to another address of its doctor is looked up in all calendars.
  `CREATE INDEX bookings_by_id ON slotkeeper.bookings (id)`,
  `CREATE INDEX bookings_by_moved_to ON slotkeeper.bookings (moved_to) WHERE moved_to IS NOT NULL`,
  `CREATE INDEX bookings_by_ref ON slotkeeper.bookings (calendar_id, ref)
    WHERE status = 'booked' AND ref IS NOT NULL AND NOT placeholder`,

  `CREATE TABLE slotkeeper.in_doubt (
    calendar_id text NOT NULL REFERENCES slotkeeper.calendars (id) ON DELETE CASCADE,
    kind text NOT NULL,
    subject text NOT NULL,
    start_at timestamptz NOT NULL,
    end_at timestamptz,
    address_id text,
    requested_at timestamptz NOT NULL,
    PRIMARY KEY (calendar_id, kind, subject),
    CHECK (kind IN ('break', 'placeholder', 'move')),
    CHECK (kind = 'move' OR end_at IS NOT NULL),
    CHECK ((kind = 'move') = (address_id IS NOT NULL))
  )`,

  `CREATE TABLE slotkeeper.breaks (
    calendar_id text NOT NULL REFERENCES slotkeeper.calendars (id) ON DELETE CASCADE,
    id text NOT NULL,
    since_at timestamptz NOT NULL,
    till_at timestamptz NOT NULL,
    own boolean,
    removed boolean NOT NULL DEFAULT false,
    observed_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    unlisted boolean NOT NULL DEFAULT false,
    coupled boolean,
    PRIMARY KEY (calendar_id, id),
    CHECK (since_at < till_at)
  )`,
  `CREATE INDEX breaks_by_till ON slotkeeper.breaks (calendar_id, till_at)
    WHERE NOT removed AND NOT unlisted`,

  `CREATE TABLE slotkeeper.reservations (
    id text PRIMARY KEY,
    calendar_id text NOT NULL REFERENCES slotkeeper.calendars (id) ON DELETE CASCADE,
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CHECK (start_at < end_at)
  )`,
  `CREATE INDEX reservations_of_calendar ON slotkeeper.reservations (calendar_id, end_at)`,

  `CREATE SEQUENCE slotkeeper.notification_seq`,
  `CREATE SEQUENCE slotkeeper.notification_position`,
  `CREATE TABLE slotkeeper.notifications (
    seq bigint NOT NULL,
    id text PRIMARY KEY,
    account_id text NOT NULL REFERENCES slotkeeper.accounts (id) ON DELETE CASCADE,
    calendar_id text,
    name text NOT NULL,
    hash text NOT NULL,
    created_at timestamptz,
    received_at timestamptz NOT NULL,
    source text NOT NULL,
    booking_id text,
    ref text,
    data bytea,
    problem text,
    dismissed_at timestamptz,
    position bigint,
    queued_at timestamptz,
    delivered_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    first_attempt_at timestamptz,
    retry_at timestamptz,
    retry_reason text,
    failed_at timestamptz,
    failed_reason text,
    dropped_at timestamptz,
    purged_at timestamptz,
    moved_to text,
    pause_asked boolean NOT NULL DEFAULT false,
    own boolean NOT NULL DEFAULT false,
    CHECK (failed_at IS NULL OR (delivered_at IS NULL AND dropped_at IS NULL)),
    CHECK (source IN ('push', 'pull', 'sweep', 'engine')),
    CONSTRAINT notifications_repeats UNIQUE (account_id, hash)
  )`,
  `CREATE INDEX notifications_by_age ON slotkeeper.notifications (received_at)`,
  `CREATE INDEX notifications_by_booking ON slotkeeper.notifications (account_id, booking_id)
    WHERE booking_id IS NOT NULL`,
  `CREATE INDEX notifications_failed ON slotkeeper.notifications (position) WHERE failed_at IS NOT NULL`,
  `CREATE UNIQUE INDEX notifications_in_order ON slotkeeper.notifications (position)
    WHERE position IS NOT NULL`,
  // Notifications that have no position yet: nearly always none.
  `CREATE INDEX notifications_new ON slotkeeper.notifications (seq) WHERE position IS NULL`,
  `CREATE INDEX notifications_open ON slotkeeper.notifications (account_id, calendar_id, own, position)
    WHERE delivered_at IS NULL AND failed_at IS NULL AND dropped_at IS NULL`,
  `CREATE INDEX notifications_unqueued ON slotkeeper.notifications (position)
    WHERE queued_at IS NULL AND position IS NOT NULL AND purged_at IS NULL`,
  `CREATE INDEX notifications_unreadable ON slotkeeper.notifications (position)
    WHERE problem IS NOT NULL AND dismissed_at IS NULL`,
  `CREATE INDEX notifications_waiting ON slotkeeper.notifications (account_id) WHERE retry_at IS NOT NULL`,

  `CREATE TABLE slotkeeper.changes_to_notify (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL REFERENCES slotkeeper.accounts (id) ON DELETE CASCADE,
    calendar_id text,
    name text NOT NULL,
    at timestamptz NOT NULL,
    dates jsonb NOT NULL DEFAULT '[]',
    refs jsonb NOT NULL DEFAULT '[]',
    detail jsonb NOT NULL DEFAULT '{}'
  )`,
  `CREATE INDEX changes_to_notify_of_key ON slotkeeper.changes_to_notify (account_id, calendar_id)`,

  `CREATE TABLE slotkeeper.held_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    calendar_id text NOT NULL REFERENCES slotkeeper.calendars (id) ON DELETE CASCADE,
    cause text NOT NULL,
    from_date date NOT NULL,
    to_date date NOT NULL,
    observed_at timestamptz NOT NULL,
    held_at timestamptz NOT NULL,
    deletions jsonb NOT NULL,
    releases jsonb NOT NULL DEFAULT '[]',
    calendar jsonb,
    CHECK (cause IN ('snapshot', 'configuration'))
  )`,
  `CREATE INDEX held_changes_of_calendar ON slotkeeper.held_changes (calendar_id)`,

  `CREATE TABLE slotkeeper.held_change_dates (
    held_change_id bigint NOT NULL REFERENCES slotkeeper.held_changes (id) ON DELETE CASCADE,
    date date NOT NULL,
    windows jsonb,
    PRIMARY KEY (held_change_id, date)
  )`,

  `CREATE TABLE slotkeeper.run_deletions (
    run_id text NOT NULL,
    scope text NOT NULL,
    id text NOT NULL,
    minutes double precision NOT NULL,
    minutes_deleted double precision NOT NULL DEFAULT 0,
    occupancies integer NOT NULL,
    occupancies_deleted integer NOT NULL DEFAULT 0,
    begun_at timestamptz NOT NULL,
    PRIMARY KEY (run_id, scope, id),
    CHECK (scope IN ('calendar', 'account'))
  )`,

  `CREATE TABLE slotkeeper.staged_snapshots (
    run_id text NOT NULL,
    line integer NOT NULL,
    account_id text NOT NULL REFERENCES slotkeeper.accounts (id) ON DELETE CASCADE,
    body json NOT NULL,
    staged_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, line)
  )`,

  `CREATE TABLE slotkeeper.resyncs (
    id text PRIMARY KEY,
    account_id text,
    dry_run boolean NOT NULL,
    state text NOT NULL,
    failures jsonb NOT NULL DEFAULT '[]',
    started_at timestamptz NOT NULL,
    queued_at timestamptz NOT NULL,
    finished_at timestamptz,
    running_at timestamptz,
    sources jsonb NOT NULL DEFAULT '[]',
    CHECK (state IN ('fetching', 'running', 'done', 'failed'))
  )`,
  `CREATE INDEX resyncs_by_account ON slotkeeper.resyncs (account_id, started_at)`,
  `CREATE INDEX resyncs_open ON slotkeeper.resyncs (started_at) WHERE finished_at IS NULL`,

  `CREATE TABLE slotkeeper.resync_calendars (
    resync_id text NOT NULL REFERENCES slotkeeper.resyncs (id) ON DELETE CASCADE,
    calendar_id text NOT NULL REFERENCES slotkeeper.calendars (id) ON DELETE CASCADE,
    state text NOT NULL DEFAULT 'waiting',
    reason text,
    days_compared integer NOT NULL DEFAULT 0,
    missing integer NOT NULL DEFAULT 0,
    extra integer NOT NULL DEFAULT 0,
    stale integer NOT NULL DEFAULT 0,
    "foreign" integer NOT NULL DEFAULT 0,
    reads integer NOT NULL DEFAULT 0,
    writes integer NOT NULL DEFAULT 0,
    days jsonb,
    enqueued_at timestamptz,
    tries integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    retried boolean NOT NULL DEFAULT false,
    PRIMARY KEY (resync_id, calendar_id),
    CHECK (state IN ('waiting', 'compared', 'done', 'failed'))
  )`,
  `CREATE INDEX resync_calendars_open ON slotkeeper.resync_calendars (calendar_id)
    WHERE state IN ('waiting', 'compared')`,

  // Defaults are evaluated in the order of the columns: a transaction has its id before its row has a number.
  `CREATE TABLE slotkeeper.history (
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    account_id text,
    calendar_id text,
    date date,
    ref text,
    booking_id text,
    actor text,
    detail jsonb NOT NULL DEFAULT '{}'
  )`,
  `CREATE INDEX history_of_day ON slotkeeper.history (calendar_id, date, at) WHERE calendar_id IS NOT NULL`,
  `CREATE INDEX history_of_ref ON slotkeeper.history (ref, id) WHERE ref IS NOT NULL`,
  `CREATE INDEX history_of_booking ON slotkeeper.history (booking_id, id) WHERE booking_id IS NOT NULL`,
  // The frequent kinds are found by their calendar; the others also by their kind alone.
  `CREATE INDEX history_of_kind ON slotkeeper.history (kind, id)
    WHERE kind NOT IN ('event', 'marked', 'sent', 'verified', 'notified', 'delivered')`,

  `CREATE TABLE slotkeeper.accuracy (
    account_id text NOT NULL REFERENCES slotkeeper.accounts (id) ON DELETE CASCADE,
    date date NOT NULL,
    measure text NOT NULL,
    bucket smallint NOT NULL,
    count bigint NOT NULL,
    total double precision NOT NULL,
    longest double precision NOT NULL,
    PRIMARY KEY (account_id, date, measure, bucket)
  )`,

  `CREATE TABLE slotkeeper.probes (
    id smallint PRIMARY KEY,
    at timestamptz NOT NULL,
    CHECK (id = 1)
  )`,
] as const;
