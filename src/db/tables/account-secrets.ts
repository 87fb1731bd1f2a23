/**
 * The secrets of accounts as the record has them: each is sealed, and bound to its account and its place in it. They are
 * opened where they are used, and nowhere before.
 */
import { isDeepStrictEqual } from 'node:util';
import { DecryptionError } from '../../crypto/decryption-error.js';
import { type Encryptor, keyIdOf } from '../../crypto/encryptor.js';
import { UnknownKeyError } from '../../crypto/unknown-key-error.js';
import type { Account } from './account.js';

const MARK = 'sealed:';
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** What is sealed for this account already stays as it is. */
export function encryptAccount(encryptor: Encryptor, account: Account): Account {
  return withSecrets(account, (secret, context) =>
    opened(encryptor, secret, context).wasSealed ? secret : seal(encryptor, secret, context),
  );
}

/**
 * With its secrets as they are sent. What an older version wrote is not sealed until the next start.
 * @throws {UnknownKeyError}
 * @throws {DecryptionError}
 */
export function decryptAccount(encryptor: Encryptor, account: Account): Account {
  return withSecrets(account, (secret, context) => {
    const bytes = bytesOf(secret);
    return bytes === undefined ? secret : String(encryptor.open(bytes, context));
  });
}

/** Whether both say the same, sealed or not; one that cannot be opened says something else. */
export function isSameAccount(encryptor: Encryptor, one: Account, other: Account): boolean {
  const open = (account: Account): Account =>
    withSecrets(account, (secret, context) => opened(encryptor, secret, context).text);
  return isDeepStrictEqual(open(one), open(other));
}

/** With its secrets sealed by the key that seals; what an old key has sealed, or none, is sealed anew. */
export function reencryptAccount(encryptor: Encryptor, account: Account): Account {
  return withSecrets(account, (secret, context) => {
    const bytes = bytesOf(secret);
    if (bytes === undefined) return seal(encryptor, secret, context);
    const isOld = encryptor.oldKeyIds.some((id) => id === keyIdOf(bytes));
    return isOld ? seal(encryptor, String(encryptor.open(bytes, context)), context) : secret;
  });
}

/** The ids of the keys that this account's secrets are sealed with. */
export function listKeyIds(account: Account): ReadonlySet<string> {
  const found = new Set<string>();
  withSecrets(account, (secret) => {
    const bytes = bytesOf(secret);
    const id = bytes && keyIdOf(bytes);
    if (id !== undefined) found.add(id);
    return secret;
  });
  return found;
}

function withSecrets(account: Account, change: (secret: string, context: string) => string): Account {
  const at = (place: string, secret: string): string => change(secret, `accounts/${account.id}/${place}`);
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

const seal = (encryptor: Encryptor, secret: string, context: string): string =>
  `${MARK}${encryptor.seal(secret, context).toString('base64')}`;

/** A text that only looks sealed is a secret that somebody chose. */
function opened(encryptor: Encryptor, secret: string, context: string) {
  const bytes = bytesOf(secret);
  if (bytes === undefined) return { text: secret, wasSealed: false };
  try {
    return { text: String(encryptor.open(bytes, context)), wasSealed: true };
  } catch (error) {
    if (!(error instanceof DecryptionError || error instanceof UnknownKeyError)) throw error;
    return { text: secret, wasSealed: false };
  }
}

/** Undefined where it is not sealed. */
function bytesOf(secret: string): Buffer | undefined {
  const text = secret.startsWith(MARK) ? secret.slice(MARK.length) : '';
  const bytes = BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
  return bytes !== undefined && keyIdOf(bytes) !== undefined ? bytes : undefined;
}
