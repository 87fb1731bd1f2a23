/**
 * Queries of the delivery state of `slotkeeper.notifications`. A notification is open until it is delivered, failed or
 * dropped. Of the open ones of a calendar only the first is sent, so that their order is preserved.
 */
import { sql } from 'kysely';
import type { Encryptor } from '../../crypto/encryptor.js';
import type { Db } from '../schema.js';
import type { NotificationItem, NotificationJob } from './notification-item.js';
import { ITEM_COLUMNS, toNotificationItem } from './notifications.js';

/**
 * Notifications that are delivered in order: those of a calendar, or those of an account without a calendar. Own notifications
 * have a key of their own, so that neither their number nor a webhook that refuses them delays the others.
 */
export interface DeliveryKey {
  readonly account: string;
  readonly calendar: string | null;
  /** Whether these are the own notifications; default false. */
  readonly own?: boolean | undefined;
}

/** Which notifications a webhook receives: those of all accounts, or those of the accounts with a webhook of their own. */
export interface WebhookChannel {
  readonly byWebhook: 'all accounts' | 'accounts with their own';
}

/** A condition on the notification `n`. */
export const OPEN = sql`n.delivered_at IS NULL AND n.failed_at IS NULL AND n.dropped_at IS NULL`;
/** Not delivered, or not parsed; not dropped in either case. */
const FAILED = sql`failed_at IS NOT NULL OR (problem IS NOT NULL AND dismissed_at IS NULL)`;

/** A condition on the account `a`: whether a webhook receives its notifications. */
export const isForWebhook = ({ byWebhook }: WebhookChannel) =>
  byWebhook === 'all accounts' ? sql<boolean>`true` : sql<boolean>`(a.settings -> 'delivery') IS NOT NULL`;

/** Finds the keys whose first open notification is due: own ones last, otherwise the one that was received first first. */
export async function findDueDeliveries(
  db: Db,
  channel: WebhookChannel,
  now: Date,
  limit: number,
): Promise<DeliveryKey[]> {
  const { rows } = await sql<DeliveryKey>`
    SELECT account, calendar, own FROM (
      SELECT DISTINCT ON (n.account_id, n.calendar_id, n.own)
        n.account_id AS account, n.calendar_id AS calendar, n.own, n.retry_at, n.received_at
      FROM slotkeeper.notifications n JOIN slotkeeper.accounts a ON a.id = n.account_id
      WHERE ${OPEN} AND n.position IS NOT NULL AND ${isForWebhook(channel)}
      ORDER BY n.account_id, n.calendar_id, n.own, n.position) first
    WHERE retry_at IS NULL OR retry_at <= ${now}
    ORDER BY own, received_at
    LIMIT ${limit}`.execute(db);
  return rows;
}

export interface OpenDelivery {
  readonly item: NotificationItem;
  /** How many attempts failed. */
  readonly attempts: number;
  readonly firstAttemptAt: Date | null;
  /** The notification is not sent before this instant. */
  readonly retryAt: Date | null;
}

/** Finds the first open notification of a key. */
export async function findFirstOpenDelivery(
  db: Db,
  encryptor: Encryptor,
  key: DeliveryKey,
): Promise<OpenDelivery | undefined> {
  const row = await db
    .selectFrom('slotkeeper.notifications as n')
    .select([...ITEM_COLUMNS, 'attempts', 'first_attempt_at', 'retry_at'])
    .where('account_id', '=', key.account)
    .where('calendar_id', key.calendar === null ? 'is' : '=', key.calendar)
    .where('own', '=', key.own ?? false)
    .where('position', 'is not', null)
    .where(sql<boolean>`${OPEN}`)
    .orderBy('position')
    .limit(1)
    .executeTakeFirst();
  return (
    row && {
      item: toNotificationItem(row, encryptor),
      attempts: row.attempts,
      firstAttemptAt: row.first_attempt_at,
      retryAt: row.retry_at,
    }
  );
}

const HISTORY_COLUMNS = sql`n.id, n.account_id, n.calendar_id, n.booking_id, n.ref, n.name`;

const insertHistoryOfDeliveries = (
  part: string,
  kind: 'delivered' | 'failed',
  at: Date,
  detail: Readonly<Record<string, string>>,
) => sql`
    INSERT INTO slotkeeper.history (at, kind, account_id, calendar_id, booking_id, ref, actor, detail)
    SELECT ${at}::timestamptz, ${kind}::text, account_id, calendar_id, booking_id, ref, 'engine',
      ${JSON.stringify(detail)}::jsonb || jsonb_build_object('notification', id, 'name', name)
    FROM ${sql.id(part)}`;

export async function recordDelivered(db: Db, id: string, now: Date): Promise<void> {
  await sql`
    WITH changed AS (
      UPDATE slotkeeper.notifications n
      SET delivered_at = ${now}, first_attempt_at = coalesce(first_attempt_at, ${now}),
          retry_at = NULL, retry_reason = NULL
      WHERE id = ${id} AND ${OPEN}
      RETURNING ${HISTORY_COLUMNS})
    ${insertHistoryOfDeliveries('changed', 'delivered', now, { channel: 'webhook' })}`.execute(db);
}

export interface NextAttempt {
  readonly began: Date;
  readonly retryAt: Date;
  /** Whether the webhook requested that delay. */
  readonly isRequestedByClinic: boolean;
  readonly reason: string;
}

/** Records a failed attempt that is retried. */
export async function recordDeliveryRetry(
  db: Db,
  id: string,
  { began, retryAt, isRequestedByClinic, reason }: NextAttempt,
): Promise<void> {
  await sql`
    UPDATE slotkeeper.notifications n
    SET attempts = attempts + 1, first_attempt_at = coalesce(first_attempt_at, ${began}),
        retry_at = ${retryAt}, pause_asked = ${isRequestedByClinic}, retry_reason = ${reason}
    WHERE id = ${id} AND ${OPEN}`.execute(db);
}

/** Records that delivery failed for good: it is retried only on request, and the notifications after it are sent. */
export async function recordDeliveryFailed(db: Db, id: string, reason: string, now: Date): Promise<void> {
  await sql`
    WITH changed AS (
      UPDATE slotkeeper.notifications n
      SET attempts = attempts + 1, failed_at = ${now}, failed_reason = ${reason}, retry_at = NULL, retry_reason = NULL
      WHERE id = ${id} AND ${OPEN}
      RETURNING ${HISTORY_COLUMNS})
    ${insertHistoryOfDeliveries('changed', 'failed', now, { what: 'delivery', reason })}`.execute(db);
}

/** Finds the notifications that were not added to the PMS queue yet, in order. */
export async function findUnqueuedNotifications(db: Db, limit: number): Promise<NotificationJob[]> {
  const { rows } = await sql<NotificationJob>`
    SELECT id, account_id AS account, calendar_id AS calendar, name, position AS cursor
    FROM slotkeeper.notifications
    WHERE queued_at IS NULL AND position IS NOT NULL AND purged_at IS NULL
    ORDER BY position
    LIMIT ${limit}`.execute(db);
  return rows;
}

export async function recordQueued(db: Db, ids: readonly string[], now: Date): Promise<void> {
  await sql`
    WITH changed AS (
      UPDATE slotkeeper.notifications n SET queued_at = ${now}
      WHERE id IN (SELECT jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))
      RETURNING ${HISTORY_COLUMNS})
    ${insertHistoryOfDeliveries('changed', 'delivered', now, { channel: 'queue' })}`.execute(db);
}

export interface NotificationTotals {
  /** How many open notifications a webhook receives. */
  readonly undelivered: number;
  /** How many failed or could not be parsed, and were not dropped. */
  readonly failed: number;
  /** When the oldest undelivered one was received. */
  readonly oldest: Date | null;
}

export async function countNotifications(db: Db, channel: WebhookChannel): Promise<NotificationTotals> {
  const { rows } = await sql<{ undelivered: string; oldest: Date | null; failed: string }>`
    SELECT o.undelivered, o.oldest, f.failed
    FROM (
      SELECT count(*) AS undelivered, min(n.received_at) AS oldest
      FROM slotkeeper.notifications n JOIN slotkeeper.accounts a ON a.id = n.account_id
      WHERE ${OPEN} AND ${isForWebhook(channel)}) o,
    (SELECT count(*) AS failed FROM slotkeeper.notifications
      WHERE ${FAILED}) f`.execute(db);
  const [row] = rows;
  return {
    undelivered: Number(row?.undelivered ?? 0),
    failed: Number(row?.failed ?? 0),
    oldest: row?.oldest ?? null,
  };
}

export interface FailedNotification extends DeliveryKey {
  readonly id: string;
  readonly name: string;
  /** Why it could not be delivered. */
  readonly failed: string | null;
  /** Why it could not be parsed. */
  readonly problem: string | null;
}

export async function listFailedNotifications(db: Db, limit: number): Promise<FailedNotification[]> {
  const { rows } = await sql<FailedNotification>`
    SELECT id, account_id AS account, calendar_id AS calendar, name, failed_reason AS failed,
           CASE WHEN dismissed_at IS NULL THEN problem END AS problem
    FROM slotkeeper.notifications
    WHERE ${FAILED}
    ORDER BY position
    LIMIT ${limit}`.execute(db);
  return rows;
}

export interface RetriedNotification extends DeliveryKey {
  readonly id: string;
}

/**
 * Makes failed notifications open again, as if they had never been sent. One that could not be parsed is sent once more and
 * no longer counts as failed.
 * @returns those that had failed
 */
export async function retryFailedNotifications(
  db: Db,
  ids: readonly string[],
  now: Date,
): Promise<RetriedNotification[]> {
  const { rows } = await sql<RetriedNotification>`
    UPDATE slotkeeper.notifications
    SET failed_at = NULL, failed_reason = NULL, delivered_at = NULL, dropped_at = NULL, attempts = 0,
        first_attempt_at = NULL, retry_at = NULL, retry_reason = NULL, dismissed_at = ${now}
    WHERE id = ANY(${[...ids]}::text[]) AND (${FAILED})
    RETURNING id, account_id AS account, calendar_id AS calendar, own`.execute(db);
  return rows;
}

/**
 * Drops failed notifications, and dismisses those that could not be parsed.
 * @returns the ids of those that had failed
 */
export async function dropFailedNotifications(db: Db, ids: readonly string[], now: Date): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    UPDATE slotkeeper.notifications
    SET dropped_at = CASE WHEN failed_at IS NULL THEN dropped_at ELSE ${now}::timestamptz END,
        failed_at = NULL, failed_reason = NULL, dismissed_at = ${now}::timestamptz
    WHERE id = ANY(${[...ids]}::text[]) AND (${FAILED})
    RETURNING id`.execute(db);
  return rows.map(({ id }) => id);
}

/**
 * Makes an account's open notifications due now.
 * @returns the keys that have any
 */
export async function retryDeliveriesOfAccount(db: Db, account: string): Promise<DeliveryKey[]> {
  const { rows } = await sql<DeliveryKey>`
    WITH open AS (
      UPDATE slotkeeper.notifications n SET retry_at = NULL
      WHERE account_id = ${account} AND ${OPEN} AND position IS NOT NULL
      RETURNING calendar_id, own)
    SELECT DISTINCT ${account}::text AS account, calendar_id AS calendar, own FROM open`.execute(db);
  return rows;
}

/** A webhook, which identifies the accounts that use it. */
export interface WebhookTarget {
  readonly url: string;
  /** Whether accounts without a webhook of their own use it, too. */
  readonly isDefault: boolean;
}

const isOfWebhook = ({ url, isDefault }: WebhookTarget) => sql<boolean>`
  (a.settings -> 'delivery' ->> 'url' = ${url} OR ${isDefault}::boolean AND a.settings -> 'delivery' IS NULL)`;

/**
 * Makes notifications of one webhook that wait for a retry due now, except where the webhook requested the delay.
 * Own notifications come last, and of the others those with fewer attempts first, so that one that the webhook never accepts does not delay the others.
 * @param limit of notifications
 * @returns the keys that had any
 */
export async function retryDeliveriesOfWebhook(
  db: Db,
  webhook: WebhookTarget,
  limit: number,
): Promise<DeliveryKey[]> {
  const { rows } = await sql<DeliveryKey>`
    WITH due AS (
      SELECT n.id FROM slotkeeper.notifications n JOIN slotkeeper.accounts a ON a.id = n.account_id
      WHERE n.retry_at IS NOT NULL AND NOT n.pause_asked AND ${OPEN} AND ${isOfWebhook(webhook)}
      ORDER BY n.own, n.attempts, n.retry_at
      LIMIT ${limit}
      FOR UPDATE OF n SKIP LOCKED),
    retried AS (
      UPDATE slotkeeper.notifications n SET retry_at = NULL FROM due d WHERE n.id = d.id
      RETURNING n.account_id, n.calendar_id, n.own)
    SELECT DISTINCT account_id AS account, calendar_id AS calendar, own FROM retried`.execute(db);
  return rows;
}

/** Does the same for all notifications of the webhook, also where the webhook requested the delay: a person requests it. */
export async function retryAllDeliveriesOfWebhook(db: Db, webhook: WebhookTarget): Promise<DeliveryKey[]> {
  const { rows } = await sql<DeliveryKey>`
    WITH retried AS (
      UPDATE slotkeeper.notifications n SET retry_at = NULL
      FROM slotkeeper.accounts a
      WHERE a.id = n.account_id AND n.retry_at IS NOT NULL AND ${OPEN} AND ${isOfWebhook(webhook)}
      RETURNING n.account_id, n.calendar_id, n.own)
    SELECT DISTINCT account_id AS account, calendar_id AS calendar, own FROM retried`.execute(db);
  return rows;
}

export interface WaitingDelivery {
  readonly account: string;
  /** How many notifications of the account are open. */
  readonly count: number;
  /** Why the attempt that is retried next failed. */
  readonly reason: string;
  /** When the next retry is due. */
  readonly retryAt: Date;
}

/** Lists the accounts whose webhook did not accept a notification that is retried. */
export async function listWaitingDeliveries(db: Db): Promise<WaitingDelivery[]> {
  const { rows } = await sql<WaitingDelivery>`
    SELECT w.account_id AS account, w.reason, w.retry_at AS "retryAt",
      (SELECT count(*)::integer FROM slotkeeper.notifications n WHERE n.account_id = w.account_id AND ${OPEN}) AS count
    FROM (
      SELECT DISTINCT ON (account_id) account_id, coalesce(retry_reason, '') AS reason, retry_at
      FROM slotkeeper.notifications n
      WHERE n.retry_at IS NOT NULL AND ${OPEN}
      ORDER BY account_id, retry_at) w
    ORDER BY w.account_id`.execute(db);
  return rows;
}
