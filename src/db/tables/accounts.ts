/** Queries of accounts: each is one API client of the marketplace, with its zone and its limits. */
import { type Selectable, sql } from 'kysely';
import type { Encryptor } from '../../crypto/encryptor.js';
import type { AccountsTable, Db } from '../schema.js';
import {
  type Account,
  type AccountSettings,
  DEFAULT_MAX_PUSH_BYTES,
  type OwnNotificationName,
} from './account.js';
import { encryptAccount, isSameAccount } from './account-secrets.js';
import { resetAddressReads } from './address-services.js';
import { assertAddressesFree, lockAddresses } from './addresses.js';
import { insertPauses } from './changes-to-notify.js';
import { saveHistory } from './history.js';
import { markDaysOfCalendars } from './mark-calendars.js';

export type {
  Account,
  AccountSettings,
  Destination,
  Limits,
  Notifications,
  OwnNotificationName,
  PlaceholderPatient,
  Source,
} from './account.js';
export { missedBookingDelayMs, OWN_NOTIFICATIONS } from './account.js';

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
    notifications: { ...DEFAULT_NOTIFICATIONS, ...settings.notifications },
  };
}

const withoutOrigin = ({ overHttp: _, ...account }: Account) => account;

/** Defaults for settings that an account stored by an older version lacks. */
const DEFAULT_NOTIFICATIONS = { header: 'X-Api-Key', sweepMinutes: 360, maxBytes: DEFAULT_MAX_PUSH_BYTES };

export function toSettings(account: AccountSettings): AccountSettings {
  const { limits, notifications, delivery, placeholder, foundingMovePath, source } = account;
  return { limits, notifications, delivery, placeholder, foundingMovePath, source };
}

/** The secrets are encrypted: `decryptAccount` decrypts them. */
export async function getAccount(db: Db, id: string): Promise<Account | undefined> {
  const row = await db.selectFrom('slotkeeper.accounts').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toAccount(row);
}

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
 * Creates or replaces the account. A change resets its pauses and retries its failed calendars. A change of client, host or
 * zone marks all its days dirty.
 * @param names the own notifications of accounts without their own list
 * @returns whether anything changed
 * @throws {AddressTakenError} where one of its calendars would have the address of another calendar
 */
export async function putAccount(
  db: Db,
  account: Account,
  now: Date,
  encryptor: Encryptor,
  actor = 'library',
  names: readonly OwnNotificationName[] = [],
): Promise<boolean> {
  return await db.transaction().execute(async (tx) => {
    await lockAddresses(tx);
    const before = await getAccount(tx, account.id);
    const over_http = account.overHttp === true;
    if (before !== undefined && isSameAccount(encryptor, withoutOrigin(before), withoutOrigin(account))) {
      await tx.updateTable('slotkeeper.accounts').set({ over_http }).where('id', '=', account.id).execute();
      return false;
    }
    await sql`
      WITH paused AS (
        SELECT id AS account, settings, ${now}::timestamptz AS until, paused_reason AS reason
        FROM slotkeeper.accounts WHERE id = ${account.id} AND paused_reason IS NOT NULL FOR UPDATE)
      ${insertPauses('paused', 'account-resumed', names, now)}`.execute(tx);
    const { clientSecret, ...encrypted } = encryptAccount(encryptor, account);
    const values = {
      base_url: account.baseUrl,
      domain: account.domain ?? null,
      client_id: account.clientId,
      client_secret: clientSecret,
      time_zone: account.timeZone,
      settings: JSON.stringify(toSettings(encrypted)),
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
    const detail = { what: 'account', change: before === undefined ? 'created' : 'changed' };
    await saveHistory(tx, [{ kind: 'configured', at: now, account: account.id, actor, detail }]);
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
      await markDaysOfCalendars(
        tx,
        calendars.map(({ id }) => id),
        true,
        now,
      );
      await resetAddressReads(
        tx,
        calendars.map(({ id }) => id),
      );
    }
    return true;
  });
}

/** @returns whether it existed. @throws a foreign key violation where it still has calendars */
export async function deleteAccount(db: Db, id: string, now: Date, actor = 'library'): Promise<boolean> {
  return await db.transaction().execute(async (tx) => {
    const { numDeletedRows } = await tx
      .deleteFrom('slotkeeper.accounts')
      .where('id', '=', id)
      .executeTakeFirst();
    if (numDeletedRows === 0n) return false;
    const detail = { what: 'account', change: 'deleted' };
    await saveHistory(tx, [{ kind: 'configured', at: now, account: id, actor, detail }]);
    return true;
  });
}
