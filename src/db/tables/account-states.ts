/** How accounts stand with the marketplace, and when their PMS last sent something. */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

export interface AccountState {
  readonly account: string;
  /** Paused: nothing is sent until then. Refused: the marketplace gives it no access token, or accepts none. */
  readonly state: 'working' | 'paused' | 'refused';
  /** Null where it works. */
  readonly reason: string | null;
  /** When it was first refused, or when the pause ends. */
  readonly since: Date | null;
  readonly until: Date | null;
  /** When an event or a snapshot last came for one of its calendars, to the minute. */
  readonly lastHeard: Date | null;
}

export async function listAccountStates(db: Db, now: Date): Promise<AccountState[]> {
  const { rows } = await sql<AccountState>`
    SELECT a.id AS account,
      CASE WHEN a.refused_at IS NOT NULL THEN 'refused' WHEN a.paused_until > ${now} THEN 'paused'
        ELSE 'working' END AS state,
      CASE WHEN a.refused_at IS NOT NULL THEN a.refused_reason
        WHEN a.paused_until > ${now} THEN coalesce(a.paused_reason, 'paused') END AS reason,
      a.refused_at AS since,
      CASE WHEN a.paused_until > ${now} THEN a.paused_until END AS until,
      (SELECT max(c.last_event_at) FROM slotkeeper.calendars c WHERE c.account_id = a.id) AS "lastHeard"
    FROM slotkeeper.accounts a ORDER BY a.id`.execute(db);
  return rows;
}

/** The marketplace refuses the account's credentials, or the tokens that it gives for them. */
export async function recordAccountRefused(db: Db, id: string, reason: string, now: Date): Promise<void> {
  await sql`
    UPDATE slotkeeper.accounts
    SET refused_at = coalesce(refused_at, ${now}), last_refused_at = ${now}, refused_reason = ${reason}
    WHERE id = ${id}`.execute(db);
}

/** A request of it was answered with a token that is accepted. */
export async function recordAccountAccepted(db: Db, id: string): Promise<void> {
  await sql`
    UPDATE slotkeeper.accounts SET refused_at = NULL, last_refused_at = NULL, refused_reason = NULL
    WHERE id = ${id} AND refused_at IS NOT NULL`.execute(db);
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
 * Ends the pauses of what could not be published because the account is refused.
 * @returns its calendars; undefined where the account is not refused
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
