/** Accounts with their secrets open, read once for all who need one within a second: each push asks for its account, and each commit. */
import type { Encryptor } from '../../crypto/encryptor.js';
import type { Db } from '../schema.js';
import { decryptAccount } from './account-secrets.js';
import { type Account, getAccount } from './accounts.js';

const REMEMBERED_MS = 1_000;
/** Anybody can ask for any number of accounts that are not there. */
const MAX_REMEMBERED = 10_000;

export interface AccountCacheOptions {
  readonly db: Db;
  readonly encryptor: Encryptor;
  readonly now: () => number;
}

export class AccountCache {
  readonly #options: AccountCacheOptions;
  readonly #known = new Map<
    string,
    { readonly readAt: number; readonly account: Promise<Account | undefined> }
  >();

  constructor(options: AccountCacheOptions) {
    this.#options = options;
  }

  /** As it was at most a second ago; that one is not there is remembered, too, so that the time does not tell which there are. */
  async get(id: string): Promise<Account | undefined> {
    const { db, encryptor, now } = this.#options;
    const known = this.#known.get(id);
    const age = known === undefined ? Number.POSITIVE_INFINITY : now() - known.readAt;
    if (known !== undefined && age >= 0 && age < REMEMBERED_MS) return await known.account;
    const account = getAccount(db, id).then((kept) => kept && decryptAccount(encryptor, kept));
    if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
    this.#known.set(id, { readAt: now(), account });
    account.catch(() => this.#known.delete(id));
    return await account;
  }

  /** It was changed by this process. */
  invalidate(id: string): void {
    this.#known.delete(id);
  }
}
