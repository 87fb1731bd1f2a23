/**
 * The state of accounts at the marketplace: paused (circuit open), half open (one probe), refused (credentials not accepted),
 * and when their PMS last sent an event.
 */
import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../schema.js';
import type { OwnNotificationName } from './account.js';
import { insertPauses } from './changes-to-notify.js';
import { insertHistoryOfAccounts } from './history.js';

export interface AccountState {
  readonly account: string;
  /** Paused: no request is sent before `until`. Refused: the marketplace issues no access token, or accepts none. */
  readonly state: 'working' | 'paused' | 'refused';
  /** Null in the state `working`. */
  readonly reason: string | null;
  /** When it was first refused. */
  readonly since: Date | null;
  /** When the pause ends. */
  readonly until: Date | null;
  /** When the last event or snapshot of one of its calendars was received, to the minute. */
  readonly lastHeard: Date | null;
}

export async function listAccountStates(db: Db, now: Date): Promise<AccountState[]> {
  const { rows } = await sql<AccountState>`${selectStates(now)} ORDER BY a.id`.execute(db);
  return rows;
}

export async function getAccountState(db: Db, id: string, now: Date): Promise<AccountState | undefined> {
  const { rows } = await sql<AccountState>`${selectStates(now)} WHERE a.id = ${id}`.execute(db);
  return rows[0];
}

const selectStates = (now: Date) => sql`
  SELECT a.id AS account,
    CASE WHEN a.refused_at IS NOT NULL THEN 'refused' WHEN a.paused_until > ${now} THEN 'paused'
      ELSE 'working' END AS state,
    CASE WHEN a.refused_at IS NOT NULL THEN a.refused_reason
      WHEN a.paused_until > ${now} THEN coalesce(a.paused_reason, 'paused') END AS reason,
    a.refused_at AS since,
    CASE WHEN a.paused_until > ${now} THEN a.paused_until END AS until,
    (SELECT max(c.last_event_at) FROM slotkeeper.calendars c WHERE c.account_id = a.id) AS "lastHeard"
  FROM slotkeeper.accounts a`;

/** Records that the marketplace refuses the account's credentials, or the tokens that it issues for them. */
export async function recordAccountRefused(db: Db, id: string, reason: string, now: Date): Promise<void> {
  await sql`
    WITH before AS MATERIALIZED (
      SELECT id, refused_at FROM slotkeeper.accounts WHERE id = ${id} FOR UPDATE),
    changed AS (
      UPDATE slotkeeper.accounts a
      SET refused_at = coalesce(b.refused_at, ${now}), last_refused_at = ${now}, refused_reason = ${reason}
      FROM before b WHERE a.id = b.id
      RETURNING a.id AS account, b.refused_at AS before),
    first AS (SELECT account FROM changed WHERE before IS NULL)
    ${insertHistoryOfAccounts('first', { kind: 'failed', at: now, detail: { what: 'account', reason } })}`.execute(
    db,
  );
}

/** Records that the marketplace accepted the account's token. */
export async function recordAccountAccepted(db: Db, id: string, now: Date): Promise<void> {
  await sql`
    WITH changed AS (
      UPDATE slotkeeper.accounts SET refused_at = NULL, last_refused_at = NULL, refused_reason = NULL
      WHERE id = ${id} AND refused_at IS NOT NULL
      RETURNING id AS account)
    ${insertHistoryOfAccounts('changed', { kind: 'resumed', at: now })}`.execute(db);
}

export interface RefusedAccount {
  readonly account: string;
  readonly reason: string;
  readonly since: Date;
}

export async function listRefusedAccounts(db: Db): Promise<RefusedAccount[]> {
  const { rows } = await sql<RefusedAccount>`
    SELECT id AS account, coalesce(refused_reason, '') AS reason, refused_at AS since
    FROM slotkeeper.accounts WHERE refused_at IS NOT NULL ORDER BY id`.execute(db);
  return rows;
}

/**
 * Resets the retry delays of the calendars that could not be published because the account is refused.
 * @returns those calendars; undefined where the account is not refused
 */
export async function retryRefusedAccount(db: Db, id: string): Promise<string[] | undefined> {
  return await db.transaction().execute(async (tx) => {
    const { rows: refused } = await sql`
      SELECT FROM slotkeeper.accounts WHERE id = ${id} AND refused_at IS NOT NULL`.execute(tx);
    if (refused.length === 0) return undefined;
    const { rows } = await sql<{ id: string }>`
      UPDATE slotkeeper.calendars SET attempts = 0, retry_at = NULL, retry_reason = NULL
      WHERE account_id = ${id} AND retry_reason IS NOT NULL
      RETURNING id`.execute(tx);
    return rows.map((row) => row.id);
  });
}

export interface Pause {
  readonly until: Date;
  readonly reason: string;
}

/** Whether a request may be sent: yes (circuit closed), as the one probe (half open), or not before `until` (open). */
export type Permission =
  /** `isRefused`: the marketplace refused the account's credentials at the last request. */
  | { readonly kind: 'free'; readonly isRefused: boolean }
  /** `pauses`: the number of consecutive pauses. */
  | { readonly kind: 'probe'; readonly isRefused: boolean; readonly pauses: number }
  | ({ readonly kind: 'paused' } & Pause);

/** The columns of an account that decide on the permission. */
export interface PermissionState {
  readonly paused_until: Date | null;
  readonly paused_reason: string | null;
  readonly pauses: number;
  readonly refused_at: Date | null;
}
export const PERMISSION_COLUMNS = sql`paused_until, paused_reason, pauses, refused_at`;

/** The permission of an account that is not half open; undefined where a probe has to be acquired. */
export function permissionOf(state: PermissionState | undefined, now: Date): Permission | undefined {
  if (state?.paused_until && state.paused_until > now) {
    return { kind: 'paused', until: state.paused_until, reason: state.paused_reason ?? 'paused' };
  }
  if (state !== undefined && state.pauses > 0) return undefined;
  return { kind: 'free', isRefused: state !== undefined && state.refused_at !== null };
}

/**
 * Acquires the permission to send a request. After a pause by the firewall exactly one request is sent as a probe; until it is
 * answered, at most until `probeUntil`, all others are paused.
 */
export async function acquirePermission(
  db: Db,
  id: string,
  now: Date,
  probeUntil: Date,
): Promise<Permission> {
  const { rows } = await sql<PermissionState>`
    SELECT ${PERMISSION_COLUMNS} FROM slotkeeper.accounts WHERE id = ${id}`.execute(db);
  const [state] = rows;
  const permission = permissionOf(state, now);
  if (permission !== undefined || state === undefined)
    return permission ?? { kind: 'free', isRefused: false };
  const isRefused = state.refused_at !== null;
  const { numUpdatedRows } = await db
    .updateTable('slotkeeper.accounts')
    .set({ paused_until: probeUntil })
    .where('id', '=', id)
    .where((eb) => eb.or([eb('paused_until', 'is', null), eb('paused_until', '<=', now)]))
    .executeTakeFirst();
  return numUpdatedRows > 0n
    ? { kind: 'probe', isRefused, pauses: state.pauses }
    : { kind: 'paused', until: probeUntil, reason: state.paused_reason ?? 'probing' };
}

/**
 * Pauses the account. A longer pause that exists already stays.
 * @param names the own notifications of accounts without their own list. The account is notified of the begin of a pause, not of
 * its extension
 */
export async function pauseAccount(
  db: Db,
  id: string,
  { until, reason }: Pause,
  now: Date,
  names: readonly OwnNotificationName[] = [],
): Promise<void> {
  await sql`
    WITH before AS MATERIALIZED (
      SELECT id, paused_reason, settings FROM slotkeeper.accounts
      WHERE id = ${id} AND (paused_until IS NULL OR paused_until < ${until}) FOR UPDATE),
    changed AS (
      UPDATE slotkeeper.accounts a SET paused_until = ${until}, paused_reason = ${reason}
      FROM before b WHERE a.id = b.id
      RETURNING a.id AS account, b.paused_reason AS before, b.settings, a.paused_until AS until,
        a.paused_reason AS reason),
    begun AS (SELECT * FROM changed WHERE before IS NULL),
    notified AS (${insertPauses('begun', 'account-paused', names, now)})
    ${insertHistoryOfAccounts('changed', { kind: 'paused', at: now, detail: { until, reason } })}`.execute(
    db,
  );
}

/**
 * Records a pause by the firewall, unless a concurrent request has recorded the same one.
 * @param before the number of pauses when the request was permitted
 * @returns the new number, or undefined where the pause is recorded already
 */
export async function recordPause(db: Db, id: string, before: number): Promise<number | undefined> {
  const row = await db
    .updateTable('slotkeeper.accounts')
    .set({ pauses: sql`pauses + 1`, paused_until: null })
    .where('id', '=', id)
    .where('pauses', '=', before)
    .returning('pauses')
    .executeTakeFirst();
  return row?.pauses;
}

/** Closes the circuit after a successful probe. @param names see {@link pauseAccount} */
export async function resetPauses(
  db: Db,
  id: string,
  now: Date,
  names: readonly OwnNotificationName[] = [],
): Promise<void> {
  await resume(db, sql`id = ${id}`, sql`${now}::timestamptz`, now, names);
}

/** Ends the pauses that are over and need no probe. @param names see {@link pauseAccount} */
export async function endPauses(
  db: Db,
  now: Date,
  names: readonly OwnNotificationName[] = [],
): Promise<void> {
  await resume(db, sql`paused_until <= ${now} AND pauses = 0`, sql`b.paused_until`, now, names);
}

/** @param endedAt an expression of the accounts `b` before the statement */
async function resume(
  db: Db,
  condition: RawBuilder<unknown>,
  endedAt: RawBuilder<unknown>,
  now: Date,
  names: readonly OwnNotificationName[],
): Promise<void> {
  await sql`
    WITH before AS MATERIALIZED (
      SELECT id, paused_until, paused_reason, settings FROM slotkeeper.accounts
      WHERE ${condition} ORDER BY id FOR UPDATE),
    changed AS (
      UPDATE slotkeeper.accounts a SET paused_until = NULL, paused_reason = NULL, pauses = 0
      FROM before b WHERE a.id = b.id
      RETURNING a.id AS account, b.settings, ${endedAt} AS until, b.paused_reason AS reason),
    ended AS (SELECT * FROM changed WHERE reason IS NOT NULL),
    notified AS (${insertPauses('ended', 'account-resumed', names, now)})
    ${insertHistoryOfAccounts('changed', { kind: 'resumed', at: now })}`.execute(db);
}
