/** A pool with one marketplace client for each account: its token serves every request. Contract: Authorization. */
import type { Logger } from 'pino';
import type { Encryptor } from '../crypto/encryptor.js';
import { decryptAccount } from '../db/tables/account-secrets.js';
import type { Account } from '../db/tables/accounts.js';
import { DocplannerClient } from '../docplanner/index.js';
import type { PrivateAddresses } from '../lib/private-addresses.js';

export interface ClientPoolOptions {
  readonly log: Logger;
  readonly requestTimeoutMs: number;
  readonly now: () => number;
  /** Decrypts the accounts' secrets. */
  readonly encryptor: Encryptor;
  /** For accounts that were created over HTTP. */
  readonly privateAddresses: PrivateAddresses;
}

interface PooledClient {
  readonly client: DocplannerClient;
  /** Everything that the client was created from; a change of it replaces the client. */
  readonly settings: string;
}

export class ClientPool {
  readonly #options: ClientPoolOptions;
  readonly #clients = new Map<string, PooledClient>();
  readonly #replaced: DocplannerClient[] = [];

  constructor(options: ClientPoolOptions) {
    this.#options = options;
  }

  clientFor(account: Account): DocplannerClient {
    const { id, baseUrl, clientId, clientSecret, foundingMovePath, overHttp } = decryptAccount(
      this.#options.encryptor,
      account,
    );
    const settings = JSON.stringify([baseUrl, clientId, clientSecret, foundingMovePath, overHttp]);
    const known = this.#clients.get(id);
    if (known?.settings === settings) return known.client;
    this.renew(id);
    const client = new DocplannerClient({
      account: id,
      baseUrl,
      clientId,
      clientSecret,
      foundingMovePath,
      timeoutMs: this.#options.requestTimeoutMs,
      now: this.#options.now,
      privateAddresses: overHttp === true ? this.#options.privateAddresses : undefined,
      onUnreadable: (operation, unreadable) => {
        const what = { account: id, operation, count: unreadable.length, problem: unreadable[0]?.problem };
        this.#options.log.error(what, 'a part of an answer could not be read; the rest is applied');
      },
    });
    this.#clients.set(id, { client, settings });
    return client;
  }

  /** Replaces the account's client: the next one requests a token without waiting. */
  renew(account: string): void {
    const known = this.#clients.get(account);
    // The old client may have requests in flight: `close` closes it.
    if (known !== undefined) this.#replaced.push(known.client);
    this.#clients.delete(account);
  }

  async close(): Promise<void> {
    const all = [...this.#replaced.splice(0), ...[...this.#clients.values()].map(({ client }) => client)];
    await Promise.all(all.map((client) => client.close()));
    this.#clients.clear();
  }
}
