/** Snapshots of the clinic, ordered against its events by when each was said; and what they would take away, held for a person. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `ALTER TABLE slotkeeper.days ADD COLUMN windows_at timestamptz, ADD COLUMN snapshot_at timestamptz`,
  // Released appointments without a version are kept for some days only: this is how they are found.
  `CREATE INDEX occupancy_released ON slotkeeper.occupancy (updated_at)
    WHERE start_at IS NULL AND version IS NULL`,

  `CREATE TABLE slotkeeper.holds (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    calendar_id text NOT NULL REFERENCES slotkeeper.calendars (id) ON DELETE CASCADE,
    cause text NOT NULL CHECK (cause IN ('snapshot', 'configuration')),
    from_date date NOT NULL,
    to_date date NOT NULL,
    said_at timestamptz NOT NULL,
    held_at timestamptz NOT NULL,
    losses jsonb NOT NULL,
    releases jsonb NOT NULL DEFAULT '[]',
    calendar jsonb
  )`,
  `CREATE INDEX holds_of_calendar ON slotkeeper.holds (calendar_id)`,

  `CREATE TABLE slotkeeper.hold_dates (
    hold_id bigint NOT NULL REFERENCES slotkeeper.holds (id) ON DELETE CASCADE,
    date date NOT NULL,
    windows jsonb,
    PRIMARY KEY (hold_id, date)
  )`,

  `CREATE TABLE slotkeeper.run_losses (
    run_id text NOT NULL,
    scope text NOT NULL CHECK (scope IN ('calendar', 'account')),
    id text NOT NULL,
    minutes double precision NOT NULL,
    minutes_lost double precision NOT NULL DEFAULT 0,
    occupancies integer NOT NULL,
    occupancies_lost integer NOT NULL DEFAULT 0,
    begun_at timestamptz NOT NULL,
    PRIMARY KEY (run_id, scope, id)
  )`,

  `CREATE TABLE slotkeeper.staged_snapshots (
    run_id text NOT NULL,
    line integer NOT NULL,
    account_id text NOT NULL REFERENCES slotkeeper.accounts (id) ON DELETE CASCADE,
    body json NOT NULL,
    PRIMARY KEY (run_id, line)
  )`,
] as const;
