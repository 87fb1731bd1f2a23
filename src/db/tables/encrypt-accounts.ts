/** Seals what of the accounts is not sealed yet, or by a key that only opens; and says which keys they need. */
import { isDeepStrictEqual } from 'node:util';
import type { Encryptor } from '../../crypto/encryptor.js';
import type { Db } from '../schema.js';
import { listKeyIds, reencryptAccount } from './account-secrets.js';
import { type Account, listAccounts, toSettings } from './accounts.js';
import { lockAddresses } from './addresses.js';

/** All or none. @returns how many accounts were changed */
export async function encryptAccounts(db: Db, encryptor: Encryptor): Promise<number> {
  return await db.transaction().execute(async (tx) => {
    await lockAddresses(tx);
    let changed = 0;
    for (const account of await listAccounts(tx)) {
      const sealed = reencryptAccount(encryptor, account);
      if (isDeepStrictEqual(sealed, account)) continue;
      await tx
        .updateTable('slotkeeper.accounts')
        .set({ client_secret: sealed.clientSecret, settings: JSON.stringify(toSettings(sealed)) })
        .where('id', '=', account.id)
        .execute();
      changed += 1;
    }
    return changed;
  });
}

/** Keys that are not there, each with the ids of the accounts that do not open without it. */
export function missingKeysOf(
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
