/** Accounts: one API client of the marketplace each, with its zone and its limits. */
import { isDeepStrictEqual } from 'node:util';
import { type Selectable, sql } from 'kysely';
import type { AccountsTable, Db } from './schema.js';

/** What the marketplace allows one client. Contract: Limits. */
export interface Limits {
  readonly writesPerMinute: number;
  readonly writesPerHour: number;
  readonly requestsPerHour: number;
}

export interface Notifications {
  readonly mode: 'push' | 'pull' | 'both' | 'off';
  readonly pullEverySeconds: number;
  /** Expected from the marketplace when it pushes. */
  readonly apiKey?: string | undefined;
}

export interface AccountSettings {
  readonly limits: Limits;
  readonly notifications: Notifications;
}

export interface Account extends AccountSettings {
  readonly id: string;
  /** `https://www.znanylekarz.pl`, without a path. */
  readonly baseUrl: string;
  readonly domain?: string | undefined;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The zone that dates, wall-clock times and the horizon are read in. */
  readonly timeZone: string;
}

function toAccount(row: Selectable<AccountsTable>): Account {
  const settings = row.settings as AccountSettings;
  return {
    id: row.id,
    baseUrl: row.base_url,
    ...(row.domain === null ? {} : { domain: row.domain }),
    clientId: row.client_id,
    clientSecret: row.client_secret,
    timeZone: row.time_zone,
    limits: settings.limits,
    notifications: settings.notifications,
  };
}

export async function getAccount(db: Db, id: string): Promise<Account | undefined> {
  const row = await db.selectFrom('slotkeeper.accounts').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toAccount(row);
}

export async function listAccounts(db: Db): Promise<Account[]> {
  const rows = await db.selectFrom('slotkeeper.accounts').selectAll().orderBy('id').execute();
  return rows.map(toAccount);
}

/**
 * Creates or replaces the account. Where anything about it really changes, its pauses end and what failed is
 * tried again; where it became another client, host or zone, all its days are wanted anew.
 * @returns whether anything changed
 */
export async function putAccount(db: Db, account: Account, now: Date): Promise<boolean> {
  return await db.transaction().execute(async (tx) => {
    const before = await getAccount(tx, account.id);
    if (before !== undefined && isDeepStrictEqual(before, account)) return false;
    const values = {
      base_url: account.baseUrl,
      domain: account.domain ?? null,
      client_id: account.clientId,
      client_secret: account.clientSecret,
      time_zone: account.timeZone,
      settings: JSON.stringify({ limits: account.limits, notifications: account.notifications }),
      paused_until: null,
      pauses: 0,
      paused_reason: null,
    };
    await tx
      .insertInto('slotkeeper.accounts')
      .values({ id: account.id, ...values })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
      .execute();
    if (before === undefined) return true;
    await sql`
      UPDATE slotkeeper.calendars
      SET failed_reason = NULL, failed_at = NULL, attempts = 0, retry_at = NULL, retry_reason = NULL
      WHERE account_id = ${account.id}`.execute(tx);
    if (
      before.baseUrl !== account.baseUrl ||
      before.clientId !== account.clientId ||
      before.timeZone !== account.timeZone
    ) {
      await sql`
        UPDATE slotkeeper.days d
        SET generation = d.generation + 1, published = NULL, verified = false,
            pending_since = coalesce(d.pending_since, ${now}::timestamptz)
        FROM slotkeeper.calendars c
        WHERE c.id = d.calendar_id AND c.account_id = ${account.id}`.execute(tx);
    }
    return true;
  });
}

/** @returns whether it was there; an account that still has calendars is refused by the database */
export async function deleteAccount(db: Db, id: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.accounts')
    .where('id', '=', id)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

export interface Pause {
  readonly until: Date;
  readonly reason: string;
}

/** Whether requests may be made: freely, or one as a probe after the firewall stopped us, or none until then. */
export type Permission =
  | { readonly kind: 'free' }
  /** `pauses` is how many there were one after another. */
  | { readonly kind: 'probe'; readonly pauses: number }
  | ({ readonly kind: 'paused' } & Pause);

/**
 * Asks for permission. After the firewall stopped an account exactly one request goes first; while it is on its
 * way, until `probeUntil` at the latest, everybody else waits.
 */
export async function askPermission(db: Db, id: string, now: Date, probeUntil: Date): Promise<Permission> {
  const state = await db
    .selectFrom('slotkeeper.accounts')
    .select(['paused_until', 'paused_reason', 'pauses'])
    .where('id', '=', id)
    .executeTakeFirst();
  const paused = state?.paused_until && state.paused_until > now ? state.paused_until : undefined;
  if (paused) return { kind: 'paused', until: paused, reason: state?.paused_reason ?? 'paused' };
  if (state === undefined || state.pauses === 0) return { kind: 'free' };
  const { numUpdatedRows } = await db
    .updateTable('slotkeeper.accounts')
    .set({ paused_until: probeUntil })
    .where('id', '=', id)
    .where((eb) => eb.or([eb('paused_until', 'is', null), eb('paused_until', '<=', now)]))
    .executeTakeFirst();
  return numUpdatedRows > 0n
    ? { kind: 'probe', pauses: state.pauses }
    : { kind: 'paused', until: probeUntil, reason: state.paused_reason ?? 'probing' };
}

/** Keeps the account silent until then; a longer silence that was asked for before stays. */
export async function pauseAccount(db: Db, id: string, pause: Pause): Promise<void> {
  await db
    .updateTable('slotkeeper.accounts')
    .set({ paused_until: pause.until, paused_reason: pause.reason })
    .where('id', '=', id)
    .where((eb) => eb.or([eb('paused_until', 'is', null), eb('paused_until', '<', pause.until)]))
    .execute();
}

/**
 * Counts a stop by the firewall, unless another request that was under way at the same time has done so.
 * @param before how many there were when the request was let through
 * @returns how many there are now, or undefined where this one is counted already
 */
export async function countPause(db: Db, id: string, before: number): Promise<number | undefined> {
  const row = await db
    .updateTable('slotkeeper.accounts')
    .set({ pauses: sql`pauses + 1`, paused_until: null })
    .where('id', '=', id)
    .where('pauses', '=', before)
    .returning('pauses')
    .executeTakeFirst();
  return row?.pauses;
}

/** The probe came through. */
export async function endPauses(db: Db, id: string): Promise<void> {
  await db
    .updateTable('slotkeeper.accounts')
    .set({ paused_until: null, paused_reason: null, pauses: 0 })
    .where('id', '=', id)
    .execute();
}
