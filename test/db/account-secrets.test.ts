// The secrets of a stored account are encrypted and bound to the account and their field.
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { DecryptionError } from '../../src/crypto/decryption-error.js';
import { Encryptor } from '../../src/crypto/encryptor.js';
import { UnknownKeyError } from '../../src/crypto/unknown-key-error.js';
import {
  decryptAccount,
  encryptAccount,
  isSameAccount,
  listKeyIds,
  reencryptAccount,
} from '../../src/db/tables/account-secrets.js';
import type { Account } from '../../src/db/tables/accounts.js';
import { account } from './seed-rows.js';

const [oldKey, key] = [randomBytes(32), randomBytes(32)];
const encryptor = new Encryptor([key]);
const plain = account({
  clientSecret: 's3cret-client',
  notifications: { ...account().notifications, mode: 'push', apiKey: 's3cret-key' },
  delivery: { url: 'https://pms.example/hook', secret: 's3cret-webhook' },
  source: {
    type: 'http',
    url: 'https://pms.example/snapshots',
    headers: { Authorization: 's3cret-one', 'X-Key': 's3cret-two' },
    timeoutSeconds: 60,
  },
});

describe('an encrypted account', () => {
  test('contains no plain secret, and every other field unchanged', () => {
    const encrypted = encryptAccount(encryptor, plain);
    expect(JSON.stringify(encrypted)).not.toContain('s3cret');
    expect(encrypted).toMatchObject({
      id: 'warsaw',
      clientId: 'clinic',
      delivery: { url: plain.delivery?.url },
    });
    expect(Object.keys(encrypted.source?.headers ?? {})).toEqual(['Authorization', 'X-Key']);
    expect(decryptAccount(encryptor, encrypted)).toEqual(plain);
    expect(listKeyIds(encrypted)).toEqual(new Set([encryptor.keyId]));
    expect(encryptAccount(encryptor, account())).toEqual({
      ...account(),
      clientSecret: expect.any(String),
    });
  });

  test('is not encrypted twice, and encrypts again a secret that was encrypted for another account', () => {
    const encrypted = encryptAccount(encryptor, plain);
    expect(encryptAccount(encryptor, encrypted)).toEqual(encrypted);
    const stolen = account({ id: 'madrid', clientSecret: encrypted.clientSecret });
    const put = encryptAccount(encryptor, stolen);
    expect(put.clientSecret).not.toBe(encrypted.clientSecret);
    expect(decryptAccount(encryptor, put).clientSecret).toBe(encrypted.clientSecret);
  });

  test.each<[string, (encrypted: Account) => Account]>([
    ['of another account', (encrypted) => ({ ...encrypted, id: 'madrid' })],
    [
      'of another field',
      (encrypted) => ({ ...encrypted, clientSecret: encrypted.notifications.apiKey ?? '' }),
    ],
    [
      'of another header',
      (encrypted) => ({
        ...encrypted,
        source: encrypted.source && {
          ...encrypted.source,
          headers: { ...encrypted.source.headers, Authorization: encrypted.source.headers?.['X-Key'] ?? '' },
        },
      }),
    ],
    [
      'that was changed',
      (encrypted) => ({ ...encrypted, clientSecret: encrypted.clientSecret.replace(/.{8}$/, 'AAAAAAAA') }),
    ],
  ])('cannot be decrypted with a secret %s', (_what, change) => {
    expect(() => decryptAccount(encryptor, change(encryptAccount(encryptor, plain)))).toThrow(
      DecryptionError,
    );
  });

  test('cannot be decrypted without its key, and then equals no other account', () => {
    const encrypted = encryptAccount(new Encryptor([oldKey]), plain);
    expect(() => decryptAccount(encryptor, encrypted)).toThrow(UnknownKeyError);
    expect(isSameAccount(encryptor, encrypted, plain)).toBe(false);
    expect(isSameAccount(new Encryptor([key, oldKey]), encrypted, plain)).toBe(true);
    expect(isSameAccount(encryptor, encryptAccount(encryptor, plain), { ...plain, clientSecret: 'x' })).toBe(
      false,
    );
  });

  test('is encrypted again with the current key only where it is plain or encrypted with an old key', () => {
    const both = new Encryptor([key, oldKey]);
    const reencrypted = reencryptAccount(both, encryptAccount(new Encryptor([oldKey]), plain));
    expect(listKeyIds(reencrypted)).toEqual(new Set([both.keyId]));
    expect(decryptAccount(encryptor, reencrypted)).toEqual(plain);
    expect(reencryptAccount(both, reencrypted)).toEqual(reencrypted);
    expect(decryptAccount(encryptor, reencryptAccount(both, plain))).toEqual(plain);
    expect(listKeyIds(reencryptAccount(both, plain))).toEqual(new Set([both.keyId]));
  });

  test('may have a secret that only looks encrypted, or that contains any characters', () => {
    for (const clientSecret of [
      'sealed:',
      'sealed:AQID',
      `sealed:${Buffer.alloc(60, 1).toString('base64')}`,
      '\ud800\0',
      ' x ',
    ]) {
      const stored = encryptAccount(encryptor, { ...plain, clientSecret });
      expect(decryptAccount(encryptor, stored).clientSecret).toBe(clientSecret);
    }
  });
});
