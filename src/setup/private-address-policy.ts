/** The private addresses that accounts may name, and the refusal of accounts that name others over HTTP. */
import { ConfigError } from '../config/config-error.js';
import type { FileConfig } from '../config/schema.js';
import type { Account } from '../db/tables/accounts.js';
import { baseUrlOf, domains } from '../docplanner/index.js';
import { isLoopback, LOOPBACK, PrivateAddresses } from '../lib/private-addresses.js';
import type { Timers } from '../lib/timers.js';

const DEFAULT_HOST = '127.0.0.1';

/** @param host where the HTTP API listens: a client that reaches a loopback host is on this machine already, so it may name loopback addresses */
export function privateAddressesOf(
  { allowPrivate }: FileConfig['network'],
  host: string = DEFAULT_HOST,
): PrivateAddresses {
  if (allowPrivate !== undefined) return new PrivateAddresses(allowPrivate);
  return new PrivateAddresses(isLoopback(host) ? LOOPBACK : []);
}

const isMarketplace = (baseUrl: string): boolean =>
  domains.some(({ domain }) => baseUrlOf(domain) === baseUrl);

/** @throws {ConfigError} with the path of every URL with a refused private address */
export async function refusePrivateAddresses(
  addresses: PrivateAddresses,
  { baseUrl, delivery, source }: Account,
  timers: Timers,
): Promise<void> {
  const named = [
    { path: 'baseUrl', url: isMarketplace(baseUrl) ? undefined : baseUrl },
    { path: 'delivery.url', url: delivery?.url },
    { path: 'delivery.approvalUrl', url: delivery?.approvalUrl },
    { path: 'source.url', url: source?.url },
  ];
  const problems = await Promise.all(
    named.map(async ({ path, url }) => {
      const reason = url === undefined ? undefined : await addresses.refusalOfUrl(url, timers);
      return reason === undefined ? [] : [{ path, reason }];
    }),
  );
  if (problems.flat().length > 0) throw new ConfigError('the account', problems.flat());
}
