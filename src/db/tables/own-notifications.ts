/**
 * Makes notifications of the rows of `slotkeeper.changes_to_notify`, when a channel reads them. So the changes that wait for a
 * channel become few notifications.
 */
import { type RawBuilder, sql } from 'kysely';
import type { Encryptor } from '../../crypto/encryptor.js';
import type { Db } from '../schema.js';
import type { OwnNotificationName } from './account.js';
import { type DeliveryKey, isForWebhook, OPEN, type WebhookChannel } from './deliveries.js';
import { addNotifications, type NewNotification } from './notifications.js';

interface ChangeRow {
  readonly id: string;
  readonly account: string;
  readonly calendar: string | null;
  readonly name: OwnNotificationName;
  readonly at: Date;
  readonly dates: readonly string[];
  readonly refs: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** The changes that one transaction turns into notifications. */
const MAX_CHANGES = 500;
/** The most refs of one notification. Its dates are fewer: those of the horizon, and of the past days that a row can wait. */
const MAX_REFS = 200;

/**
 * Turns the changes that wait into notifications: those of a calendar with the same facts into one, or into several where there
 * are many refs.
 * @param key default: those of all keys
 * @returns whether there were any
 */
export async function addOwnNotifications(
  db: Db,
  encryptor: Encryptor,
  now: Date,
  key?: DeliveryKey,
): Promise<boolean> {
  const condition =
    key === undefined
      ? sql`true`
      : sql`account_id = ${key.account} AND calendar_id IS NOT DISTINCT FROM ${key.calendar}::text`;
  let found = false;
  while (await hasChanges(db, condition)) {
    found = true;
    await db.transaction().execute(async (tx) => {
      const { rows: changes } = await sql<ChangeRow>`
        WITH next AS (
          SELECT id FROM slotkeeper.changes_to_notify WHERE ${condition}
          ORDER BY id LIMIT ${MAX_CHANGES} FOR UPDATE),
        deleted AS (
          DELETE FROM slotkeeper.changes_to_notify c USING next WHERE c.id = next.id RETURNING c.*)
        SELECT id, account_id AS account, calendar_id AS calendar, name, at, dates, refs, detail
        FROM deleted ORDER BY id`.execute(tx);
      await addNotifications(tx, encryptor, toNotifications(changes), now);
    });
  }
  return found;
}

export async function hasChanges(db: Db, condition: RawBuilder<unknown> = sql`true`): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM slotkeeper.changes_to_notify WHERE ${condition} LIMIT 1`.execute(db);
  return rows.length > 0;
}

function toNotifications(changes: readonly ChangeRow[]): NewNotification[] {
  const groups = new Map<string, ChangeRow[]>();
  for (const change of changes) {
    const { id, account, calendar, name, detail } = change;
    // Every pause of an account is reported by itself.
    const group = JSON.stringify(calendar === null ? id : [account, calendar, name, detail]);
    groups.set(group, [...(groups.get(group) ?? []), change]);
  }
  return [...groups.values()].flatMap((group) => {
    const last = group.at(-1);
    if (last === undefined) return [];
    const dates = [...new Set(group.flatMap((one) => one.dates))].sort();
    const refs = [...new Set(group.flatMap((one) => one.refs))];
    const parts = Array.from({ length: Math.max(1, Math.ceil(refs.length / MAX_REFS)) }, (_, n) =>
      refs.slice(n * MAX_REFS, (n + 1) * MAX_REFS),
    );
    return parts.map(
      (some, n): NewNotification => ({
        account: last.account,
        calendar: last.calendar,
        name: last.name,
        hash: JSON.stringify(['change', last.id, n]),
        createdAt: null,
        source: 'engine',
        own: true,
        date: dates.length === 1 ? dates[0] : undefined,
        data: dataOf(last, dates, some),
      }),
    );
  });
}

function dataOf(
  { account, calendar, name, at, detail }: ChangeRow,
  dates: readonly string[],
  refs: readonly string[],
): object {
  if (calendar === null) return { account, ...detail };
  if (name !== 'published') return { calendar, dates, ...detail };
  return { calendar, dates, ...(refs.length === 0 ? {} : { refs }), publishedAt: at };
}

/** Finds the keys whose changes wait for a webhook, and of which no own notification is open. */
export async function findKeysOfChanges(
  db: Db,
  channel: WebhookChannel,
  limit: number,
): Promise<DeliveryKey[]> {
  const { rows } = await sql<DeliveryKey>`
    SELECT DISTINCT c.account_id AS account, c.calendar_id AS calendar, true AS own
    FROM slotkeeper.changes_to_notify c JOIN slotkeeper.accounts a ON a.id = c.account_id
    WHERE ${isForWebhook(channel)} AND NOT EXISTS (
      SELECT FROM slotkeeper.notifications n
      WHERE n.account_id = c.account_id AND n.calendar_id IS NOT DISTINCT FROM c.calendar_id AND n.own AND ${OPEN})
    LIMIT ${limit}`.execute(db);
  return rows;
}

/** Deletes changes that no channel has read since an instant. */
export async function deleteExpiredChanges(db: Db, before: Date): Promise<void> {
  await db.deleteFrom('slotkeeper.changes_to_notify').where('at', '<', before).execute();
}
