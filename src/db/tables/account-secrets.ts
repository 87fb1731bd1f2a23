/**
 * The encryption of account secrets in the database. Each secret is encrypted and bound to its account and its field.
 * Secrets are decrypted only where they are used.
 */
import { isDeepStrictEqual } from 'node:util';
import { DecryptionError } from '../../crypto/decryption-error.js';
import { type Encryptor, keyIdOf } from '../../crypto/encryptor.js';
import { UnknownKeyError } from '../../crypto/unknown-key-error.js';
import type { Account } from './account.js';

const PREFIX = 'sealed:';
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Encrypts the secrets. A secret that is encrypted for this account and field already stays unchanged. */
export function encryptAccount(encryptor: Encryptor, account: Account): Account {
  return mapSecrets(account, (secret, context) =>
    tryDecrypt(encryptor, secret, context).wasEncrypted ? secret : encrypt(encryptor, secret, context),
  );
}

/**
 * Decrypts the secrets. A secret that an older version wrote is plain text until the next start, and stays unchanged.
 * @throws {UnknownKeyError}
 * @throws {DecryptionError}
 */
export function decryptAccount(encryptor: Encryptor, account: Account): Account {
  return mapSecrets(account, (secret, context) => {
    const bytes = parseEncrypted(secret);
    return bytes === undefined ? secret : String(encryptor.decrypt(bytes, context));
  });
}

/** Compares two accounts by their plain secrets. A secret that cannot be decrypted is compared as it is stored. */
export function isSameAccount(encryptor: Encryptor, one: Account, other: Account): boolean {
  const decrypt = (account: Account): Account =>
    mapSecrets(account, (secret, context) => tryDecrypt(encryptor, secret, context).text);
  return isDeepStrictEqual(decrypt(one), decrypt(other));
}

/** Encrypts with the current key every secret that is plain or encrypted with an old key. */
export function reencryptAccount(encryptor: Encryptor, account: Account): Account {
  return mapSecrets(account, (secret, context) => {
    const bytes = parseEncrypted(secret);
    if (bytes === undefined) return encrypt(encryptor, secret, context);
    const isOld = encryptor.oldKeyIds.some((id) => id === keyIdOf(bytes));
    return isOld ? encrypt(encryptor, String(encryptor.decrypt(bytes, context)), context) : secret;
  });
}

/** The ids of the keys that this account's secrets are encrypted with. */
export function listKeyIds(account: Account): ReadonlySet<string> {
  const found = new Set<string>();
  mapSecrets(account, (secret) => {
    const bytes = parseEncrypted(secret);
    const id = bytes && keyIdOf(bytes);
    if (id !== undefined) found.add(id);
    return secret;
  });
  return found;
}

function mapSecrets(account: Account, change: (secret: string, context: string) => string): Account {
  const at = (field: string, secret: string): string => change(secret, `accounts/${account.id}/${field}`);
  const { notifications, delivery, source } = account;
  const { apiKey } = notifications;
  const headers = Object.entries(source?.headers ?? {}).map(([name, value]) => [
    name,
    at(`source.headers.${name}`, value),
  ]);
  return {
    ...account,
    clientSecret: at('clientSecret', account.clientSecret),
    notifications: {
      ...notifications,
      ...(apiKey === undefined ? {} : { apiKey: at('notifications.apiKey', apiKey) }),
    },
    ...(delivery === undefined
      ? {}
      : { delivery: { ...delivery, secret: at('delivery.secret', delivery.secret) } }),
    ...(source?.headers === undefined ? {} : { source: { ...source, headers: Object.fromEntries(headers) } }),
  };
}

const encrypt = (encryptor: Encryptor, secret: string, context: string): string =>
  `${PREFIX}${encryptor.encrypt(secret, context).toString('base64')}`;

/** A text that looks encrypted but cannot be decrypted is a plain secret that somebody chose. */
function tryDecrypt(encryptor: Encryptor, secret: string, context: string) {
  const bytes = parseEncrypted(secret);
  if (bytes === undefined) return { text: secret, wasEncrypted: false };
  try {
    return { text: String(encryptor.decrypt(bytes, context)), wasEncrypted: true };
  } catch (error) {
    if (!(error instanceof DecryptionError || error instanceof UnknownKeyError)) throw error;
    return { text: secret, wasEncrypted: false };
  }
}

/** @returns undefined where the text is not in the encrypted format */
function parseEncrypted(secret: string): Buffer | undefined {
  const text = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : '';
  const bytes = BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
  return bytes !== undefined && keyIdOf(bytes) !== undefined ? bytes : undefined;
}
