/** Full resyncs: what was asked for, how far each calendar is, and what was found. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `CREATE TABLE slotkeeper.resyncs (
    id text PRIMARY KEY,
    account_id text,
    dry_run boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('fetching', 'running', 'done', 'failed')),
    failures jsonb NOT NULL DEFAULT '[]',
    started_at timestamptz NOT NULL,
    queued_at timestamptz NOT NULL,
    finished_at timestamptz
  )`,
  `CREATE INDEX resyncs_open ON slotkeeper.resyncs (started_at) WHERE finished_at IS NULL`,
  `CREATE INDEX resyncs_by_account ON slotkeeper.resyncs (account_id, started_at)`,

  `CREATE TABLE slotkeeper.resync_calendars (
    resync_id text NOT NULL REFERENCES slotkeeper.resyncs (id) ON DELETE CASCADE,
    calendar_id text NOT NULL REFERENCES slotkeeper.calendars (id) ON DELETE CASCADE,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'compared', 'done', 'failed')),
    reason text,
    days_compared integer NOT NULL DEFAULT 0,
    missing integer NOT NULL DEFAULT 0,
    extra integer NOT NULL DEFAULT 0,
    stale integer NOT NULL DEFAULT 0,
    "foreign" integer NOT NULL DEFAULT 0,
    reads integer NOT NULL DEFAULT 0,
    writes integer NOT NULL DEFAULT 0,
    days jsonb,
    woken_at timestamptz,
    PRIMARY KEY (resync_id, calendar_id)
  )`,
  `CREATE INDEX resync_calendars_open ON slotkeeper.resync_calendars (calendar_id)
    WHERE state IN ('waiting', 'compared')`,
] as const;
