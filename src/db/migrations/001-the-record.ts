/** The record: accounts, calendars, windows, occupancy, days, and what the budget and the duplicate rule must remember. */
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
    paused_reason text
  )`,

  `CREATE TABLE slotkeeper.calendars (
    id text PRIMARY KEY,
    account_id text NOT NULL REFERENCES slotkeeper.accounts (id),
    facility_id text NOT NULL,
    doctor_id text NOT NULL,
    address_id text NOT NULL,
    strategy text NOT NULL CHECK (strategy IN ('slots', 'breaks', 'book')),
    settings jsonb NOT NULL DEFAULT '{}',
    queued_urgency integer,
    lease_token text,
    lease_until timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    retry_reason text,
    failed_reason text,
    failed_at timestamptz,
    CONSTRAINT calendars_one_per_address UNIQUE (account_id, facility_id, doctor_id, address_id)
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
    PRIMARY KEY (calendar_id, ref),
    CHECK ((start_at IS NULL) = (end_at IS NULL)),
    CHECK (start_at < end_at)
  )`,
  `CREATE INDEX occupancy_by_end ON slotkeeper.occupancy (calendar_id, end_at) WHERE end_at IS NOT NULL`,

  `CREATE TABLE slotkeeper.events (
    id text PRIMARY KEY,
    received_at timestamptz NOT NULL
  )`,
  `CREATE INDEX events_by_age ON slotkeeper.events (received_at)`,

  `CREATE TABLE slotkeeper.days (
    calendar_id text NOT NULL REFERENCES slotkeeper.calendars (id) ON DELETE CASCADE,
    date date NOT NULL,
    generation bigint NOT NULL,
    published_generation bigint NOT NULL DEFAULT 0,
    pending_since timestamptz,
    urgency integer,
    published json,
    verified boolean NOT NULL DEFAULT false,
    published_at timestamptz,
    failed_generation bigint,
    error jsonb,
    PRIMARY KEY (calendar_id, date)
  )`,
  // What is wanted and not yet published is this index: the sweep and the status read nothing else.
  `CREATE INDEX days_pending ON slotkeeper.days (calendar_id, date) WHERE generation > published_generation`,

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
] as const;
