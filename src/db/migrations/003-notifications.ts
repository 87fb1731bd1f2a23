/** What the marketplace said, for the clinic: sealed, in the order in which it can be read, and how far it has been brought. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const OPEN = 'delivered_at IS NULL AND failed_at IS NULL AND dropped_at IS NULL';

const statements = [
  'CREATE SEQUENCE slotkeeper.notification_seq',
  'CREATE SEQUENCE slotkeeper.notification_position',

  `CREATE TABLE slotkeeper.notifications (
    seq bigint NOT NULL,
    id text PRIMARY KEY,
    account_id text NOT NULL REFERENCES slotkeeper.accounts (id) ON DELETE CASCADE,
    calendar_id text,
    name text NOT NULL,
    hash text NOT NULL,
    created_at timestamptz,
    received_at timestamptz NOT NULL,
    source text NOT NULL CHECK (source IN ('push', 'pull', 'sweep', 'engine')),
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
    CONSTRAINT notifications_repeats UNIQUE (account_id, hash),
    CHECK (failed_at IS NULL OR (delivered_at IS NULL AND dropped_at IS NULL))
  )`,
  // Those that no reader has seen yet: nearly always none.
  `CREATE INDEX notifications_new ON slotkeeper.notifications (seq) WHERE position IS NULL`,
  `CREATE UNIQUE INDEX notifications_in_order ON slotkeeper.notifications (position) WHERE position IS NOT NULL`,
  `CREATE INDEX notifications_open ON slotkeeper.notifications (account_id, calendar_id, position) WHERE ${OPEN}`,
  `CREATE INDEX notifications_failed ON slotkeeper.notifications (position) WHERE failed_at IS NOT NULL`,
  `CREATE INDEX notifications_unreadable ON slotkeeper.notifications (position)
    WHERE problem IS NOT NULL AND dismissed_at IS NULL`,
  `CREATE INDEX notifications_unqueued ON slotkeeper.notifications (position) WHERE queued_at IS NULL`,
  `CREATE INDEX notifications_by_booking ON slotkeeper.notifications (account_id, booking_id)
    WHERE booking_id IS NOT NULL`,
  `CREATE INDEX notifications_by_age ON slotkeeper.notifications (received_at)`,
] as const;
