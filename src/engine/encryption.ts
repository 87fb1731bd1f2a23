/** Which keys this process seals with, and who needs one. */
import { randomBytes } from 'node:crypto';
import { ConfigError } from '../config/config-error.js';
import { keyFile, readKeyFile } from '../privacy/key-file.js';
import { KEY_BYTES, readKeys } from '../privacy/keys.js';
import { Sealer } from '../privacy/sealer.js';
import { UnreadableKeyError } from '../privacy/unreadable-key-error.js';
import type { Account } from '../store/accounts.js';
import type { MissingKey } from '../store/retention.js';

const VARIABLE = 'SLOTKEEPER_ENCRYPTION_KEY';
const WHY = 'what the marketplace says of patients is kept encrypted';

export interface EncryptionOptions {
  /** Keys as they were configured. */
  readonly encryptionKey?: string | undefined;
  /** Of the embedded database, which makes itself a key; `memory://` forgets its own. */
  readonly folder?: string | undefined;
}

/**
 * @throws {ConfigError} where the configured keys cannot be read
 * @throws {UnreadableKeyError} where the key of the embedded database cannot be read or made
 */
export function openSealer({ encryptionKey, folder }: EncryptionOptions): Sealer {
  const configured = encryptionKey === undefined ? [] : configuredKeys(encryptionKey);
  if (folder === undefined) return new Sealer(configured);
  if (folder === 'memory://')
    return new Sealer(configured.length > 0 ? configured : [randomBytes(KEY_BYTES)]);
  if (configured.length === 0) return new Sealer([keyFile(folder)]);
  // What was sealed before a key was configured opens with the folder's own.
  const own = readKeyFile(folder);
  return new Sealer(own === undefined ? configured : [...configured, own]);
}

function configuredKeys(text: string): Buffer[] {
  try {
    return readKeys(text, VARIABLE);
  } catch (error) {
    if (!(error instanceof UnreadableKeyError)) throw error;
    throw new ConfigError('the environment', [{ path: VARIABLE, reason: error.reason }]);
  }
}

/** What of this account makes a key necessary: the path in it. */
function needOf({
  notifications,
  delivery,
}: Pick<Account, 'notifications' | 'delivery'>): string | undefined {
  if (notifications.mode !== 'off') return 'notifications.mode';
  return delivery === undefined ? undefined : 'delivery';
}

/** @throws {ConfigError} where the account needs a key, and there is none */
export function refuseWithoutKey(sealer: Sealer, account: Account): void {
  const path = needOf(account);
  if (sealer.hasKey || path === undefined) return;
  throw new ConfigError('the account', [{ path, reason: `needs ${VARIABLE} to be set: ${WHY}` }]);
}

/** @throws {ConfigError} where any of them, or a delivery for all, needs a key, and there is none */
export function refuseStartWithoutKey(sealer: Sealer, accounts: readonly Account[], delivers: boolean): void {
  if (sealer.hasKey) return;
  const needing = [
    ...accounts.flatMap((account) => {
      const path = needOf(account);
      return path === undefined ? [] : [`${path} of the account "${account.id}"`];
    }),
    ...(delivers ? ['delivery'] : []),
  ];
  const [first] = needing;
  if (first === undefined) return;
  const others = needing.length > 1 ? ` and ${needing.length - 1} more` : '';
  const reason = `is not set, and ${first}${others} needs it: ${WHY}`;
  throw new ConfigError('the environment', [{ path: VARIABLE, reason }]);
}

/** @throws {ConfigError} where something is kept that no key opens any more */
export function refuseMissingKeys(missing: readonly MissingKey[]): void {
  const problems = missing.map(({ keyId, count }) => ({
    path: VARIABLE,
    reason: `lacks the key ${keyId}, with which ${count} notifications are sealed: put it behind the others`,
  }));
  if (problems.length > 0) throw new ConfigError('the environment', problems);
}
