/** Caches decrypted accounts for a second, because every push and every commit reads its account. */
import type { Encryptor } from '../../crypto/encryptor.js';
import type { Db } from '../schema.js';
import { decryptAccount } from './account-secrets.js';
import { type Account, getAccount } from './accounts.js';

const TTL_MS = 1_000;
/** Limits the cache, because a caller can request any number of ids that do not exist. */
const MAX_ENTRIES = 10_000;

export interface AccountCacheOptions {
  readonly db: Db;
  readonly encryptor: Encryptor;
  readonly now: () => number;
}

interface Entry {
  readonly readAt: number;
  readonly account: Promise<Account | undefined>;
}

export class AccountCache {
  readonly #options: AccountCacheOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: AccountCacheOptions) {
    this.#options = options;
  }

  /**
   * @returns the account as it was at most a second ago. The absence of an account is cached too, so that the response time
   * does not reveal which accounts exist.
   */
  async get(id: string): Promise<Account | undefined> {
    const { db, encryptor, now } = this.#options;
    const cached = this.#entries.get(id);
    const ageMs = cached === undefined ? Number.POSITIVE_INFINITY : now() - cached.readAt;
    if (cached !== undefined && ageMs >= 0 && ageMs < TTL_MS) return await cached.account;
    const account = getAccount(db, id).then((stored) => stored && decryptAccount(encryptor, stored));
    if (this.#entries.size >= MAX_ENTRIES) this.#entries.clear();
    this.#entries.set(id, { readAt: now(), account });
    account.catch(() => this.#entries.delete(id));
    return await account;
  }

  /** Called when this process has changed the account. */
  invalidate(id: string): void {
    this.#entries.delete(id);
  }
}
