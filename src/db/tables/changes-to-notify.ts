/**
 * Inserts into `slotkeeper.changes_to_notify`: the engine's own changes that an account asks to be notified of. The transaction of
 * a change adds its row, and `own-notifications.ts` makes notifications of the rows. They contain no personal data.
 */
import { sql } from 'kysely';
import type { StatementPart } from '../combined-write.js';
import type { Db } from '../schema.js';
import type { AccountSettings, OwnNotificationName } from './account.js';

/** Whether an account is notified of such changes. @param names the default of accounts without their own list */
export const isNotifiedOf = (
  { delivery }: Pick<AccountSettings, 'delivery'>,
  names: readonly OwnNotificationName[],
  name: OwnNotificationName,
): boolean => (delivery?.events ?? names).includes(name);

/**
 * Adds the publication of days, with the appointments whose events it contains.
 * @param part the name of the part of the statement that records the days, and returns `date` and `generation`
 */
export const insertPublished = (
  part: string,
  account: string,
  calendar: string,
  at: Date,
): StatementPart => sql`
    INSERT INTO slotkeeper.changes_to_notify (account_id, calendar_id, name, at, dates, refs)
    SELECT ${account}::text, ${calendar}::text, 'published', ${at}::timestamptz, jsonb_agg(date ORDER BY date), (
      WITH entries AS MATERIALIZED (
        SELECT h.*, d.published_generation AS before, r.generation AS sent
        FROM ${sql.id(part)} r
        -- The days as they were before this statement.
        CROSS JOIN LATERAL (
          SELECT published_generation, pending_since FROM slotkeeper.days
          WHERE calendar_id = ${calendar} AND date = r.date OFFSET 0) d
        CROSS JOIN LATERAL (
          SELECT kind, date, ref, detail, transaction_id FROM slotkeeper.history
          WHERE calendar_id = ${calendar} AND date = r.date AND at >= d.pending_since OFFSET 0) h)
      SELECT coalesce(jsonb_agg(DISTINCT e.ref), '[]')
      -- The transaction that applied an event marked its day.
      FROM entries e JOIN entries m ON m.date = e.date AND m.transaction_id = e.transaction_id
      WHERE e.kind = 'event' AND e.ref IS NOT NULL AND e.detail ->> 'outcome' = 'accepted' AND m.kind = 'marked'
        AND (m.detail ->> 'generation')::bigint > m.before AND (m.detail ->> 'generation')::bigint <= m.sent)
    FROM ${sql.id(part)}
    HAVING count(*) > 0`;

/** Adds the failure of each day that another part of the statement returns with its `date` and its `error`. */
export const insertFailedDays = (
  part: string,
  account: string,
  calendar: string,
  at: Date,
): StatementPart => sql`
    INSERT INTO slotkeeper.changes_to_notify (account_id, calendar_id, name, at, dates, detail)
    SELECT ${account}::text, ${calendar}::text, 'failed', ${at}::timestamptz, jsonb_build_array(date),
      jsonb_build_object('reason', error -> 'reason')
        || CASE WHEN error ? 'closedBy' THEN jsonb_build_object('closedBy', error -> 'closedBy') ELSE '{}' END
    FROM ${sql.id(part)}`;

/** Adds the failure of a calendar, with its pending days. @param leavesOnSale whether busy time stays on sale */
export async function addCalendarFailed(
  db: Db,
  { id, account }: { readonly id: string; readonly account: string },
  { reason, leavesOnSale }: { readonly reason: string; readonly leavesOnSale: boolean },
  at: Date,
): Promise<void> {
  const detail = { reason, ...(leavesOnSale ? { closedBy: null } : {}) };
  await sql`
    INSERT INTO slotkeeper.changes_to_notify (account_id, calendar_id, name, at, dates, detail)
    SELECT ${account}, ${id}, 'failed', ${at}, coalesce(jsonb_agg(date ORDER BY date), '[]'), ${JSON.stringify(detail)}
    FROM slotkeeper.days WHERE calendar_id = ${id} AND generation > published_generation`.execute(db);
}

/**
 * Adds the pause of each account that another part of the statement returns, or its end, where the account is notified of it.
 * @param part the name of that part, which returns `account`, `settings`, `until` and `reason`
 * @param names the default of accounts without their own list
 */
export const insertPauses = (
  part: string,
  name: 'account-paused' | 'account-resumed',
  names: readonly OwnNotificationName[],
  at: Date,
): StatementPart => sql`
    INSERT INTO slotkeeper.changes_to_notify (account_id, name, at, detail)
    SELECT account, ${name}::text, ${at}::timestamptz, jsonb_build_object(
      'until', to_char(until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'reason', reason)
    FROM ${sql.id(part)}
    WHERE coalesce(settings #> '{delivery,events}', ${JSON.stringify(names)}::jsonb) ? ${name}::text`;
