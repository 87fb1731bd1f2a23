/**
 * How far each notification has been brought to the clinic. It is open until it is delivered, failed or dropped; of
 * the open ones of a calendar only the first is sent.
 */
import { sql } from 'kysely';
import type { Encryptor } from '../../crypto/encryptor.js';
import type { Db } from '../schema.js';
import type { NotificationItem, NotificationJob } from './notification-item.js';
import { ITEM_COLUMNS, toItem } from './notifications.js';

/** Notifications in one order: those of a calendar, or those of an account that are about none. */
export interface DeliveryKey {
  readonly account: string;
  readonly calendar: string | null;
}

/** Which notifications a webhook wants: those of all accounts, or of those that have one of their own. */
export interface Wanted {
  readonly byWebhook: 'all accounts' | 'accounts with their own';
}

const OPEN = sql`n.delivered_at IS NULL AND n.failed_at IS NULL AND n.dropped_at IS NULL`;

export const isWanted = ({ byWebhook }: Wanted) =>
  byWebhook === 'all accounts' ? sql<boolean>`true` : sql<boolean>`(a.settings -> 'delivery') IS NOT NULL`;

/** Where something is open, and its first one is due. */
export async function dueKeys(db: Db, wanted: Wanted, now: Date, limit: number): Promise<DeliveryKey[]> {
  const { rows } = await sql<DeliveryKey>`
    SELECT account, calendar FROM (
      SELECT DISTINCT ON (n.account_id, n.calendar_id)
        n.account_id AS account, n.calendar_id AS calendar, n.retry_at, n.received_at
      FROM slotkeeper.notifications n JOIN slotkeeper.accounts a ON a.id = n.account_id
      WHERE ${OPEN} AND n.position IS NOT NULL AND ${isWanted(wanted)}
      ORDER BY n.account_id, n.calendar_id, n.position) first
    WHERE retry_at IS NULL OR retry_at <= ${now}
    ORDER BY received_at
    LIMIT ${limit}`.execute(db);
  return rows;
}

export interface Due {
  readonly item: NotificationItem;
  /** Attempts that failed. */
  readonly attempts: number;
  readonly firstAttemptAt: Date | null;
  /** Not to be sent before. */
  readonly retryAt: Date | null;
}

/** The first that is open. */
export async function firstOpen(db: Db, encryptor: Encryptor, key: DeliveryKey): Promise<Due | undefined> {
  const row = await db
    .selectFrom('slotkeeper.notifications as n')
    .select([...ITEM_COLUMNS, 'attempts', 'first_attempt_at', 'retry_at'])
    .where('account_id', '=', key.account)
    .where('calendar_id', key.calendar === null ? 'is' : '=', key.calendar)
    .where('position', 'is not', null)
    .where(sql<boolean>`${OPEN}`)
    .orderBy('position')
    .limit(1)
    .executeTakeFirst();
  return (
    row && {
      item: toItem(row, encryptor),
      attempts: row.attempts,
      firstAttemptAt: row.first_attempt_at,
      retryAt: row.retry_at,
    }
  );
}

export async function delivered(db: Db, id: string, now: Date): Promise<void> {
  await sql`
    UPDATE slotkeeper.notifications n
    SET delivered_at = ${now}, first_attempt_at = coalesce(first_attempt_at, ${now}),
        retry_at = NULL, retry_reason = NULL
    WHERE id = ${id} AND ${OPEN}`.execute(db);
}

export interface NextAttempt {
  readonly began: Date;
  readonly retryAt: Date;
  /** Whether the clinic asked for that wait. */
  readonly isAsked: boolean;
  readonly reason: string;
}

/** An attempt failed, and there will be another. */
export async function deliverLater(
  db: Db,
  id: string,
  { began, retryAt, isAsked, reason }: NextAttempt,
): Promise<void> {
  await sql`
    UPDATE slotkeeper.notifications n
    SET attempts = attempts + 1, first_attempt_at = coalesce(first_attempt_at, ${began}),
        retry_at = ${retryAt}, pause_asked = ${isAsked}, retry_reason = ${reason}
    WHERE id = ${id} AND ${OPEN}`.execute(db);
}

/** It is not tried any more until somebody asks; those behind it go on. */
export async function deliveryFailed(db: Db, id: string, reason: string, now: Date): Promise<void> {
  await sql`
    UPDATE slotkeeper.notifications n
    SET attempts = attempts + 1, failed_at = ${now}, failed_reason = ${reason}, retry_at = NULL, retry_reason = NULL
    WHERE id = ${id} AND ${OPEN}`.execute(db);
}

/** What was not put on the queue for the PMS yet, in order. */
export async function unqueued(db: Db, limit: number): Promise<NotificationJob[]> {
  const { rows } = await sql<NotificationJob>`
    SELECT id, account_id AS account, calendar_id AS calendar, name, position AS cursor
    FROM slotkeeper.notifications
    WHERE queued_at IS NULL AND position IS NOT NULL AND purged_at IS NULL
    ORDER BY position
    LIMIT ${limit}`.execute(db);
  return rows;
}

export async function queued(db: Db, ids: readonly string[], now: Date): Promise<void> {
  await sql`
    UPDATE slotkeeper.notifications SET queued_at = ${now}
    WHERE id IN (SELECT jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))`.execute(db);
}

export interface NotificationTotals {
  /** Wanted by a webhook, and open. */
  readonly undelivered: number;
  /** Not delivered in time, or not readable, and not dropped by a person. */
  readonly failed: number;
  /** When the oldest undelivered one came. */
  readonly oldest: Date | null;
}

export async function notificationTotals(db: Db, wanted: Wanted): Promise<NotificationTotals> {
  const { rows } = await sql<{ undelivered: string; oldest: Date | null; failed: string }>`
    SELECT o.undelivered, o.oldest, f.failed
    FROM (
      SELECT count(*) AS undelivered, min(n.received_at) AS oldest
      FROM slotkeeper.notifications n JOIN slotkeeper.accounts a ON a.id = n.account_id
      WHERE ${OPEN} AND ${isWanted(wanted)}) o,
    (SELECT count(*) AS failed FROM slotkeeper.notifications
      WHERE failed_at IS NOT NULL OR (problem IS NOT NULL AND dismissed_at IS NULL)) f`.execute(db);
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
  /** Where it could not be read. */
  readonly problem: string | null;
}

export async function failedNotifications(db: Db, limit: number): Promise<FailedNotification[]> {
  const { rows } = await sql<FailedNotification>`
    SELECT id, account_id AS account, calendar_id AS calendar, name, failed_reason AS failed,
           CASE WHEN dismissed_at IS NULL THEN problem END AS problem
    FROM slotkeeper.notifications
    WHERE failed_at IS NOT NULL OR (problem IS NOT NULL AND dismissed_at IS NULL)
    ORDER BY position
    LIMIT ${limit}`.execute(db);
  return rows;
}

/** A notification, and in which order it is brought to the clinic. */
export interface DeliveryOf extends DeliveryKey {
  readonly id: string;
}

/**
 * Opens failed ones again, as if they had never been sent. One that cannot be read is told once more, and is no failure
 * any longer.
 * @returns those of which there was such a failure
 */
export async function retryNotifications(db: Db, ids: readonly string[], now: Date): Promise<DeliveryOf[]> {
  const { rows } = await sql<DeliveryOf>`
    UPDATE slotkeeper.notifications
    SET failed_at = NULL, failed_reason = NULL, delivered_at = NULL, dropped_at = NULL, attempts = 0,
        first_attempt_at = NULL, retry_at = NULL, retry_reason = NULL, dismissed_at = ${now}
    WHERE id = ANY(${[...ids]}::text[]) AND (failed_at IS NOT NULL OR (problem IS NOT NULL AND dismissed_at IS NULL))
    RETURNING id, account_id AS account, calendar_id AS calendar`.execute(db);
  return rows;
}

/**
 * Gives up bringing them to the clinic, or takes it that somebody has seen that they cannot be read.
 * @returns those of which there was such a failure
 */
export async function dropNotifications(db: Db, ids: readonly string[], now: Date): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    UPDATE slotkeeper.notifications
    SET dropped_at = CASE WHEN failed_at IS NULL THEN dropped_at ELSE ${now}::timestamptz END,
        failed_at = NULL, failed_reason = NULL, dismissed_at = ${now}::timestamptz
    WHERE id = ANY(${[...ids]}::text[]) AND (failed_at IS NOT NULL OR (problem IS NOT NULL AND dismissed_at IS NULL))
    RETURNING id`.execute(db);
  return rows.map(({ id }) => id);
}

/**
 * Ends the waits of an account's open ones.
 * @returns where there are any
 */
export async function retryDeliveriesNow(db: Db, account: string): Promise<DeliveryKey[]> {
  const { rows } = await sql<DeliveryKey>`
    WITH open AS (
      UPDATE slotkeeper.notifications n SET retry_at = NULL
      WHERE account_id = ${account} AND ${OPEN} AND position IS NOT NULL
      RETURNING calendar_id)
    SELECT DISTINCT ${account}::text AS account, calendar_id AS calendar FROM open`.execute(db);
  return rows;
}

/** The accounts that one webhook is for. */
export interface Clinic {
  readonly url: string;
  /** Whether it is that of the accounts without their own, too. */
  readonly isForAll: boolean;
}

const isOfClinic = ({ url, isForAll }: Clinic) => sql<boolean>`
  (a.settings -> 'delivery' ->> 'url' = ${url} OR ${isForAll}::boolean AND a.settings -> 'delivery' IS NULL)`;

/**
 * Ends waits for another attempt at one webhook, but for those that the clinic asked for: those of fewer attempts first, so
 * that what the clinic never takes keeps no other waiting.
 * @param limit of notifications
 * @returns where there were any
 */
export async function endWaits(db: Db, clinic: Clinic, limit: number): Promise<DeliveryKey[]> {
  const { rows } = await sql<DeliveryKey>`
    WITH waiting AS (
      SELECT n.id FROM slotkeeper.notifications n JOIN slotkeeper.accounts a ON a.id = n.account_id
      WHERE n.retry_at IS NOT NULL AND NOT n.pause_asked AND ${OPEN} AND ${isOfClinic(clinic)}
      ORDER BY n.attempts, n.retry_at
      LIMIT ${limit}
      FOR UPDATE OF n SKIP LOCKED),
    ended AS (
      UPDATE slotkeeper.notifications n SET retry_at = NULL FROM waiting w WHERE n.id = w.id
      RETURNING n.account_id, n.calendar_id)
    SELECT DISTINCT account_id AS account, calendar_id AS calendar FROM ended`.execute(db);
  return rows;
}

/** The same for everything that waits there, also where the clinic asked for the wait: a person ends it. */
export async function endAllWaits(db: Db, clinic: Clinic): Promise<DeliveryKey[]> {
  const { rows } = await sql<DeliveryKey>`
    WITH ended AS (
      UPDATE slotkeeper.notifications n SET retry_at = NULL
      FROM slotkeeper.accounts a
      WHERE a.id = n.account_id AND n.retry_at IS NOT NULL AND ${OPEN} AND ${isOfClinic(clinic)}
      RETURNING n.account_id, n.calendar_id)
    SELECT DISTINCT account_id AS account, calendar_id AS calendar FROM ended`.execute(db);
  return rows;
}

export interface WaitingDelivery {
  readonly account: string;
  /** Notifications of the account that are not delivered. */
  readonly count: number;
  /** Of the attempt that failed last. */
  readonly reason: string;
  /** When the next attempt is made. */
  readonly retryAt: Date;
}

/** The accounts whose webhook did not take what it was sent, and is tried again. */
export async function waitingDeliveries(db: Db): Promise<WaitingDelivery[]> {
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
