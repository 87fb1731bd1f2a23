/** Encrypts the secrets of stored accounts with the current key, and finds keys that stored accounts need and that are missing. */
import { isDeepStrictEqual } from 'node:util';
import type { Encryptor } from '../../crypto/encryptor.js';
import type { Db } from '../schema.js';
import { listKeyIds, reencryptAccount } from './account-secrets.js';
import { type Account, listAccounts, toSettings } from './accounts.js';
import { lockAddresses } from './addresses.js';

/**
 * Encrypts the secrets of all accounts that are in plain text or encrypted with an old key, in one transaction.
 * @returns how many accounts were changed
 */
export async function encryptAccounts(db: Db, encryptor: Encryptor): Promise<number> {
  return await db.transaction().execute(async (tx) => {
    await lockAddresses(tx);
    let changed = 0;
    for (const account of await listAccounts(tx)) {
      const encrypted = reencryptAccount(encryptor, account);
      if (isDeepStrictEqual(encrypted, account)) continue;
      await tx
        .updateTable('slotkeeper.accounts')
        .set({ client_secret: encrypted.clientSecret, settings: JSON.stringify(toSettings(encrypted)) })
        .where('id', '=', account.id)
        .execute();
      changed += 1;
    }
    return changed;
  });
}

/** Finds the ids of missing keys, each with the ids of the accounts that cannot be decrypted without it. */
export function findMissingAccountKeys(
  accounts: readonly Account[],
  encryptor: Encryptor,
): ReadonlyMap<string, string[]> {
  const missing = new Map<string, string[]>();
  for (const account of accounts) {
    for (const keyId of listKeyIds(account)) {
      if (!encryptor.keyIds.includes(keyId)) missing.set(keyId, [...(missing.get(keyId) ?? []), account.id]);
    }
  }
  return missing;
}
