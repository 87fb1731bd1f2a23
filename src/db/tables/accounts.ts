/** Accounts: one API client of the marketplace each, with its zone and its limits. */
import { type Selectable, sql } from 'kysely';
import type { Encryptor } from '../../crypto/encryptor.js';
import type { AccountsTable, Db } from '../schema.js';
import { type Account, type AccountSettings, DEFAULT_MAX_PUSH_BYTES } from './account.js';
import { encryptAccount, isSameAccount } from './account-secrets.js';
import { resetAddressReads } from './address-services.js';
import { assertAddressesFree, lockAddresses } from './addresses.js';

export type {
  Account,
  AccountSettings,
  Destination,
  Limits,
  Notifications,
  PlaceholderPatient,
  Source,
} from './account.js';
export { missedBookingDelayMs } from './account.js';

function toAccount(row: Selectable<AccountsTable>): Account {
  const settings = row.settings as AccountSettings;
  return {
    id: row.id,
    baseUrl: row.base_url,
    ...(row.domain === null ? {} : { domain: row.domain }),
    clientId: row.client_id,
    clientSecret: row.client_secret,
    timeZone: row.time_zone,
    ...(row.over_http ? { overHttp: true } : {}),
    ...settings,
    notifications: { ...NOTIFICATIONS, ...settings.notifications },
  };
}

const withoutWay = ({ overHttp: _, ...account }: Account) => account;

/** What an account that was written down by an older version does not say. */
const NOTIFICATIONS = { header: 'X-Api-Key', sweepMinutes: 360, maxBytes: DEFAULT_MAX_PUSH_BYTES };

export function toSettings(account: AccountSettings): AccountSettings {
  const { limits, notifications, delivery, placeholder, foundingMovePath, source } = account;
  return { limits, notifications, delivery, placeholder, foundingMovePath, source };
}

/** Its secrets are sealed: `openedAccount` opens them. */
export async function getAccount(db: Db, id: string): Promise<Account | undefined> {
  const row = await db.selectFrom('slotkeeper.accounts').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toAccount(row);
}

/** That of a calendar. */
export async function getAccountOfCalendar(db: Db, calendar: string): Promise<Account | undefined> {
  const row = await db
    .selectFrom('slotkeeper.accounts')
    .innerJoin('slotkeeper.calendars as c', 'c.account_id', 'slotkeeper.accounts.id')
    .selectAll('slotkeeper.accounts')
    .where('c.id', '=', calendar)
    .executeTakeFirst();
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
 * @throws {AddressTakenError} where its calendars would be at addresses of others
 */
export async function putAccount(
  db: Db,
  account: Account,
  now: Date,
  encryptor: Encryptor,
): Promise<boolean> {
  return await db.transaction().execute(async (tx) => {
    await lockAddresses(tx);
    const before = await getAccount(tx, account.id);
    const over_http = account.overHttp === true;
    if (before !== undefined && isSameAccount(encryptor, withoutWay(before), withoutWay(account))) {
      await tx.updateTable('slotkeeper.accounts').set({ over_http }).where('id', '=', account.id).execute();
      return false;
    }
    const { clientSecret, ...sealed } = encryptAccount(encryptor, account);
    const values = {
      base_url: account.baseUrl,
      domain: account.domain ?? null,
      client_id: account.clientId,
      client_secret: clientSecret,
      time_zone: account.timeZone,
      settings: JSON.stringify(toSettings(sealed)),
      over_http,
      paused_until: null,
      pauses: 0,
      paused_reason: null,
      refused_at: null,
      last_refused_at: null,
      refused_reason: null,
    };
    await tx
      .insertInto('slotkeeper.accounts')
      .values({ id: account.id, ...values })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
      .execute();
    if (before === undefined) return true;
    if (before.baseUrl !== account.baseUrl) await assertAddressesFree(tx, account.id);
    const { rows: calendars } = await sql<{ id: string }>`
      UPDATE slotkeeper.calendars
      SET failed_reason = NULL, failed_at = NULL, failures = 0, closing_refused_at = NULL,
          attempts = 0, retry_at = NULL, retry_reason = NULL
      WHERE account_id = ${account.id}
      RETURNING id`.execute(tx);
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
      await resetAddressReads(
        tx,
        calendars.map(({ id }) => id),
      );
    }
    return true;
  });
}

/** How many calendars it has, and how many more are being closed. */
export async function countCalendars(
  db: Db,
  account: string,
): Promise<{ readonly open: number; readonly closing: number }> {
  const { rows } = await sql<{ open: string; closing: string }>`
    SELECT count(*) FILTER (WHERE closing_since IS NULL) AS open,
           count(*) FILTER (WHERE closing_since IS NOT NULL) AS closing
    FROM slotkeeper.calendars WHERE account_id = ${account}`.execute(db);
  return { open: Number(rows[0]?.open ?? 0), closing: Number(rows[0]?.closing ?? 0) };
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
  /** `isRefused`: the last request found that the account's credentials are not accepted. */
  | { readonly kind: 'free'; readonly isRefused: boolean }
  /** `pauses` is how many there were one after another. */
  | { readonly kind: 'probe'; readonly isRefused: boolean; readonly pauses: number }
  | ({ readonly kind: 'paused' } & Pause);

/**
 * Asks for permission. After the firewall stopped an account exactly one request goes first; while it is on its
 * way, until `probeUntil` at the latest, everybody else waits.
 */
export async function acquirePermission(
  db: Db,
  id: string,
  now: Date,
  probeUntil: Date,
): Promise<Permission> {
  const state = await db
    .selectFrom('slotkeeper.accounts')
    .select(['paused_until', 'paused_reason', 'pauses', 'refused_at'])
    .where('id', '=', id)
    .executeTakeFirst();
  const paused = state?.paused_until && state.paused_until > now ? state.paused_until : undefined;
  if (paused) return { kind: 'paused', until: paused, reason: state?.paused_reason ?? 'paused' };
  const isRefused = state !== undefined && state.refused_at !== null;
  if (state === undefined || state.pauses === 0) return { kind: 'free', isRefused };
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

/** The probe came through. */
export async function resetPauses(db: Db, id: string): Promise<void> {
  await db
    .updateTable('slotkeeper.accounts')
    .set({ paused_until: null, paused_reason: null, pauses: 0 })
    .where('id', '=', id)
    .execute();
}
