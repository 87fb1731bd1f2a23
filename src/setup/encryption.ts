/** Creates the encryptor from the configured keys, or from the key file of the embedded database. */
import { randomBytes } from 'node:crypto';
import { ConfigError } from '../config/config-error.js';
import { Encryptor } from '../crypto/encryptor.js';
import { InvalidKeyError } from '../crypto/invalid-key-error.js';
import { loadKey, loadOrCreateKey } from '../crypto/key-file.js';
import { KEY_BYTES, parseKeys } from '../crypto/keys.js';
import type { MissingKey } from '../db/tables/encrypt-notifications.js';

const VARIABLE = 'SLOTKEEPER_ENCRYPTION_KEY';
const NO_KEY =
  'is not set, and PostgreSQL requires it: it encrypts secrets and patient data. Create a key with ' +
  '`openssl rand -base64 32`, and store a copy apart from the backups';

export interface EncryptionOptions {
  /** The configured keys. */
  readonly encryptionKey?: string | undefined;
  /** The folder of the embedded database, which creates a key file; a key of `memory://` exists only in this process. */
  readonly folder?: string | undefined;
}

/**
 * @throws {ConfigError} where the configured keys are malformed, or PostgreSQL is used without a key
 * @throws {InvalidKeyError} where the key file of the embedded database cannot be read or created
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
  // The folder's own key decrypts what was encrypted before a key was configured.
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
 * @param missing the missing keys of notifications
 * @param accounts ids of accounts, by the missing key
 * @throws {ConfigError} where no configured key decrypts something that is stored
 */
export function refuseMissingKeys(
  missing: readonly MissingKey[],
  accounts: ReadonlyMap<string, readonly string[]>,
): void {
  const notifications = missing.map(({ keyId, count }) => ({
    keyId,
    what: `${count} notifications are encrypted`,
  }));
  const secrets = [...accounts].map(([keyId, ids]) => {
    const names = ids.map((id) => `"${id}"`).join(', ');
    return { keyId, what: `the secrets of ${names} are encrypted` };
  });
  const problems = [...notifications, ...secrets].map(({ keyId, what }) => ({
    path: VARIABLE,
    reason: `lacks the key ${keyId}, with which ${what}: append it to the other keys`,
  }));
  if (problems.length > 0) throw new ConfigError('the environment', problems);
}
