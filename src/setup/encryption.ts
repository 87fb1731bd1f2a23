/** Which keys this process seals with. */
import { randomBytes } from 'node:crypto';
import { ConfigError } from '../config/config-error.js';
import { Encryptor } from '../crypto/encryptor.js';
import { InvalidKeyError } from '../crypto/invalid-key-error.js';
import { loadKey, loadOrCreateKey } from '../crypto/key-file.js';
import { KEY_BYTES, parseKeys } from '../crypto/keys.js';
import type { MissingKey } from '../db/tables/retention.js';

const VARIABLE = 'SLOTKEEPER_ENCRYPTION_KEY';
const NO_KEY =
  'is not set, and PostgreSQL needs it: secrets and what is said of patients are kept sealed with it. Make one with ' +
  '`openssl rand -base64 32`, and keep a copy where the backups are not';

export interface EncryptionOptions {
  /** Keys as they were configured. */
  readonly encryptionKey?: string | undefined;
  /** Of the embedded database, which makes itself a key; `memory://` forgets its own. */
  readonly folder?: string | undefined;
}

/**
 * @throws {ConfigError} where the configured keys cannot be read, or there are none and PostgreSQL has the record
 * @throws {InvalidKeyError} where the key of the embedded database cannot be read or made
 */
export function openEncryptor({ encryptionKey, folder }: EncryptionOptions): Encryptor {
  const configured = encryptionKey === undefined ? [] : configuredKeys(encryptionKey);
  if (folder === undefined) {
    if (configured.length > 0) return new Encryptor(configured);
    throw new ConfigError('the environment', [{ path: VARIABLE, reason: NO_KEY }]);
  }
  if (folder === 'memory://')
    return new Encryptor(configured.length > 0 ? configured : [randomBytes(KEY_BYTES)]);
  if (configured.length === 0) return new Encryptor([loadOrCreateKey(folder)]);
  // What was sealed before a key was configured opens with the folder's own.
  const own = loadKey(folder);
  return new Encryptor(own === undefined ? configured : [...configured, own]);
}

function configuredKeys(text: string): Buffer[] {
  try {
    return parseKeys(text, VARIABLE);
  } catch (error) {
    if (!(error instanceof InvalidKeyError)) throw error;
    throw new ConfigError('the environment', [{ path: VARIABLE, reason: error.reason }]);
  }
}

/**
 * @param missing of notifications
 * @param accounts ids of accounts, by the key that is missing
 * @throws {ConfigError} where something is kept that no key opens any more
 */
export function refuseMissingKeys(
  missing: readonly MissingKey[],
  accounts: ReadonlyMap<string, readonly string[]>,
): void {
  const sealed = missing.map(({ keyId, count }) => ({ keyId, what: `${count} notifications are sealed` }));
  const secrets = [...accounts].map(([keyId, ids]) => {
    const named = ids.map((id) => `"${id}"`).join(', ');
    return { keyId, what: `the secrets of ${named} are sealed` };
  });
  const problems = [...sealed, ...secrets].map(({ keyId, what }) => ({
    path: VARIABLE,
    reason: `lacks the key ${keyId}, with which ${what}: put it behind the others`,
  }));
  if (problems.length > 0) throw new ConfigError('the environment', problems);
}
