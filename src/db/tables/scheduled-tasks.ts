/**
 * Queries of `slotkeeper.scheduled_tasks`: when the tasks of each account are due, and which process runs them. A process
 * acquires a task with a lease, so one process runs it at a time. Leases expire by the database's clock; tasks are due by the
 * caller's.
 */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

export type ScheduledTaskKind = 'pull' | 'redelivery' | 'resync';

export interface TaskLease {
  readonly account: string;
  readonly kind: ScheduledTaskKind;
  readonly token: string;
  /** Consecutive failures. */
  readonly failures: number;
}

export interface ScheduledTime {
  readonly account: string;
  /** When the task is due where it is not scheduled yet. */
  readonly first: Date;
  /** The first time of the schedule after `notBefore`. */
  readonly next: Date;
}

/**
 * Schedules tasks that are not scheduled yet, and moves those whose schedule has changed. A task that is due before `notBefore`,
 * runs or has failed stays as it is.
 */
export async function scheduleTasks(
  db: Db,
  kind: ScheduledTaskKind,
  times: readonly ScheduledTime[],
  notBefore: Date,
): Promise<void> {
  if (times.length === 0) return;
  await sql`
    INSERT INTO slotkeeper.scheduled_tasks (account_id, kind, next_at)
    SELECT k.account, ${kind}, CASE WHEN t.next_at IS NULL THEN k.first ELSE k.next END
    FROM jsonb_to_recordset(${JSON.stringify(times)}::jsonb) AS k (account text, first timestamptz, next timestamptz)
    LEFT JOIN slotkeeper.scheduled_tasks t ON t.account_id = k.account AND t.kind = ${kind}
    WHERE t.next_at IS NULL
      OR (t.next_at > ${notBefore} AND t.next_at <> k.next AND t.token IS NULL AND t.failures = 0)
    ON CONFLICT (account_id, kind) DO UPDATE SET next_at = excluded.next_at`.execute(db);
}

/** @returns the accounts whose task is due and not leased. A task that never ran is due. */
export async function findDueTasks(
  db: Db,
  kind: ScheduledTaskKind,
  accounts: readonly string[],
  now: Date,
): Promise<ReadonlySet<string>> {
  if (accounts.length === 0) return new Set();
  const { rows } = await sql<{ id: string }>`
    SELECT k.id FROM jsonb_array_elements_text(${JSON.stringify(accounts)}::jsonb) AS k (id)
    LEFT JOIN slotkeeper.scheduled_tasks e ON e.account_id = k.id AND e.kind = ${kind}
    WHERE e.account_id IS NULL
      OR (e.next_at <= ${now} AND (e.until IS NULL OR e.until < clock_timestamp()))`.execute(db);
  return new Set(rows.map(({ id }) => id));
}

/**
 * Acquires the task where it is due and not leased.
 * @param leaseMs how long the lease is valid
 * @param nextAt when the task is due again if its holder never releases it
 * @returns undefined where it was not acquired
 */
export async function acquireTask(
  db: Db,
  account: string,
  kind: ScheduledTaskKind,
  token: string,
  leaseMs: number,
  now: Date,
  nextAt: Date = now,
): Promise<TaskLease | undefined> {
  const { rows } = await sql<{ failures: number }>`
    INSERT INTO slotkeeper.scheduled_tasks AS e (account_id, kind, token, until, next_at)
    VALUES (${account}, ${kind}, ${token}, clock_timestamp() + make_interval(secs => ${leaseMs / 1000}), ${nextAt})
    ON CONFLICT (account_id, kind) DO UPDATE SET token = excluded.token, until = excluded.until, next_at = excluded.next_at
    WHERE e.next_at <= ${now} AND (e.until IS NULL OR e.until < clock_timestamp())
    RETURNING failures`.execute(db);
  const [row] = rows;
  return row && { account, kind, token, failures: row.failures };
}

/** Extends the lease. @returns false where another process has acquired the task */
export async function renewTask(db: Db, task: TaskLease, leaseMs: number): Promise<boolean> {
  const { numAffectedRows } = await sql`
    UPDATE slotkeeper.scheduled_tasks SET until = clock_timestamp() + make_interval(secs => ${leaseMs / 1000})
    WHERE account_id = ${task.account} AND kind = ${task.kind} AND token = ${task.token}`.execute(db);
  return numAffectedRows === 1n;
}

/** Releases the task, which is due again at `nextAt`. */
export async function releaseTask(db: Db, task: TaskLease, nextAt: Date, failures: number): Promise<void> {
  await sql`
    UPDATE slotkeeper.scheduled_tasks SET token = NULL, until = NULL, next_at = ${nextAt}, failures = ${failures}
    WHERE account_id = ${task.account} AND kind = ${task.kind} AND token = ${task.token}`.execute(db);
}
