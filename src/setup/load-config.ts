/** Writes the configuration file to the database at every start. The file overrides what is stored. */
import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../config/config-error.js';
import { type FileConfig, toAccount, toCalendar } from '../config/schema.js';
import type { Encryptor } from '../crypto/encryptor.js';
import type { Db } from '../db/schema.js';
import { listAccounts, putAccount } from '../db/tables/accounts.js';
import { AddressTakenError } from '../db/tables/address-taken-error.js';
import { type Calendar, listCalendars } from '../db/tables/calendars.js';
import { findHeldConfigurations } from '../db/tables/held-changes.js';

/**
 * @param options the encryptor of the secrets, and the time in epoch milliseconds
 * @param configure applies or holds a calendar's configuration that differs from the stored one
 * @throws {ConfigError} where a calendar has no account, or two calendars have one address
 */
export async function loadConfig(
  db: Db,
  config: Pick<FileConfig, 'accounts' | 'calendars' | 'delivery'>,
  options: { readonly now: number; readonly encryptor: Encryptor },
  configure: (calendar: Calendar) => Promise<unknown>,
): Promise<void> {
  const { now, encryptor } = options;
  for (const [index, { id, ...fields }] of config.accounts.entries()) {
    await withPath(
      `accounts[${index}]`,
      putAccount(db, toAccount(id, fields), new Date(now), encryptor, 'file', config.delivery.events),
    );
  }
  const accounts = new Set((await listAccounts(db)).map(({ id }) => id));
  const known = new Map((await listCalendars(db)).map((calendar) => [calendar.id, calendar]));
  const held = await findHeldConfigurations(db);
  for (const [index, { id, ...fields }] of config.calendars.entries()) {
    if (!accounts.has(fields.account)) {
      const problem = {
        path: `calendars[${index}].account`,
        reason: `there is no account "${fields.account}"`,
      };
      throw new ConfigError('the configuration', [problem]);
    }
    const calendar = toCalendar(id, fields);
    const { failed: _, retrying: __, ...before } = known.get(id) ?? { id };
    if (held.has(id) || !isDeepStrictEqual(before, calendar)) {
      await withPath(`calendars[${index}]`, configure(calendar));
    }
  }
}

async function withPath(path: string, put: Promise<unknown>): Promise<void> {
  await put.catch((error: unknown) => {
    if (!(error instanceof AddressTakenError)) throw error;
    throw new ConfigError('the configuration', [{ path, reason: error.message }]);
  });
}
