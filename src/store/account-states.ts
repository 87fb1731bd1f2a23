/** How accounts stand with the marketplace, and when their clinics were last heard of. */
import { sql } from 'kysely';
import type { Db } from './schema.js';

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

export async function accountStates(db: Db, now: Date): Promise<AccountState[]> {
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
export async function refuseAccount(db: Db, id: string, reason: string, now: Date): Promise<void> {
  await sql`
    UPDATE slotkeeper.accounts
    SET refused_at = coalesce(refused_at, ${now}), last_refused_at = ${now}, refused_reason = ${reason}
    WHERE id = ${id}`.execute(db);
}

/** A request of it was answered with a token that is accepted. */
export async function acceptAccount(db: Db, id: string): Promise<void> {
  await sql`
    UPDATE slotkeeper.accounts SET refused_at = NULL, last_refused_at = NULL, refused_reason = NULL
    WHERE id = ${id} AND refused_at IS NOT NULL`.execute(db);
}
