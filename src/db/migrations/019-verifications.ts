/**
 * What the marketplace shows may be seconds behind a write: a day that was told waits for a reading that agrees. With it, how
 * an address was seen to cut periods, and how far behind its readings were.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
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
  `ALTER TABLE slotkeeper.calendars
    ADD COLUMN cut text CHECK (cut IN ('duration', 'divisor')),
    ADD COLUMN read_lag_ms integer NOT NULL DEFAULT 0`,
] as const;
