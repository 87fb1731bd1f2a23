/**
 * Periodic tasks of an account: pulling its notifications, and requesting the redelivery of failed ones. A process acquires a
 * task with a lease, so one process runs it at a time. Leases expire by the database's clock; tasks are due by the caller's.
 */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

export type AccountTaskKind = 'pull' | 'redelivery';

export interface AccountTaskLease {
  readonly account: string;
  readonly kind: AccountTaskKind;
  readonly token: string;
  /** Consecutive failures. */
  readonly failures: number;
}

/** @returns the accounts whose task is due and not leased. A task that never ran is due. */
export async function findDueAccountTasks(
  db: Db,
  kind: AccountTaskKind,
  accounts: readonly string[],
  now: Date,
): Promise<ReadonlySet<string>> {
  if (accounts.length === 0) return new Set();
  const { rows } = await sql<{ id: string }>`
    SELECT k.id FROM jsonb_array_elements_text(${JSON.stringify(accounts)}::jsonb) AS k (id)
    LEFT JOIN slotkeeper.account_tasks e ON e.account_id = k.id AND e.kind = ${kind}
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
export async function acquireAccountTask(
  db: Db,
  account: string,
  kind: AccountTaskKind,
  token: string,
  leaseMs: number,
  now: Date,
  nextAt: Date = now,
): Promise<AccountTaskLease | undefined> {
  const { rows } = await sql<{ failures: number }>`
    INSERT INTO slotkeeper.account_tasks AS e (account_id, kind, token, until, next_at)
    VALUES (${account}, ${kind}, ${token}, clock_timestamp() + make_interval(secs => ${leaseMs / 1000}), ${nextAt})
    ON CONFLICT (account_id, kind) DO UPDATE SET token = excluded.token, until = excluded.until, next_at = excluded.next_at
    WHERE e.next_at <= ${now} AND (e.until IS NULL OR e.until < clock_timestamp())
    RETURNING failures`.execute(db);
  const [row] = rows;
  return row && { account, kind, token, failures: row.failures };
}

/** Extends the lease. @returns false where another process has acquired the task */
export async function renewAccountTask(db: Db, task: AccountTaskLease, leaseMs: number): Promise<boolean> {
  const { numAffectedRows } = await sql`
    UPDATE slotkeeper.account_tasks SET until = clock_timestamp() + make_interval(secs => ${leaseMs / 1000})
    WHERE account_id = ${task.account} AND kind = ${task.kind} AND token = ${task.token}`.execute(db);
  return numAffectedRows === 1n;
}

/** Releases the task, which is due again at `nextAt`. */
export async function releaseAccountTask(
  db: Db,
  task: AccountTaskLease,
  nextAt: Date,
  failures: number,
): Promise<void> {
  await sql`
    UPDATE slotkeeper.account_tasks SET token = NULL, until = NULL, next_at = ${nextAt}, failures = ${failures}
    WHERE account_id = ${task.account} AND kind = ${task.kind} AND token = ${task.token}`.execute(db);
}
