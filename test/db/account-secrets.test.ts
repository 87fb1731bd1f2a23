// The secrets of an account as the record has them: sealed for it and for their place, and for nothing else.
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

const [old, key] = [randomBytes(32), randomBytes(32)];
const encryptor = new Encryptor([key]);
const whole = account({
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

describe('a sealed account', () => {
  test('has none of its secrets in it, and everything else as it was', () => {
    const sealed = encryptAccount(encryptor, whole);
    expect(JSON.stringify(sealed)).not.toContain('s3cret');
    expect(sealed).toMatchObject({
      id: 'warsaw',
      clientId: 'clinic',
      delivery: { url: whole.delivery?.url },
    });
    expect(Object.keys(sealed.source?.headers ?? {})).toEqual(['Authorization', 'X-Key']);
    expect(decryptAccount(encryptor, sealed)).toEqual(whole);
    expect(listKeyIds(sealed)).toEqual(new Set([encryptor.keyId]));
    expect(encryptAccount(encryptor, account())).toEqual({
      ...account(),
      clientSecret: expect.any(String),
    });
  });

  test('is sealed no second time, and seals anew what was sealed for another place', () => {
    const sealed = encryptAccount(encryptor, whole);
    expect(encryptAccount(encryptor, sealed)).toEqual(sealed);
    const stolen = account({ id: 'madrid', clientSecret: sealed.clientSecret });
    const put = encryptAccount(encryptor, stolen);
    expect(put.clientSecret).not.toBe(sealed.clientSecret);
    expect(decryptAccount(encryptor, put).clientSecret).toBe(sealed.clientSecret);
  });

  test.each<[string, (sealed: Account) => Account]>([
    ['of another account', (sealed) => ({ ...sealed, id: 'madrid' })],
    ['of another place of it', (sealed) => ({ ...sealed, clientSecret: sealed.notifications.apiKey ?? '' })],
    [
      'of another header',
      (sealed) => ({
        ...sealed,
        source: sealed.source && {
          ...sealed.source,
          headers: { ...sealed.source.headers, Authorization: sealed.source.headers?.['X-Key'] ?? '' },
        },
      }),
    ],
    [
      'that was changed',
      (sealed) => ({ ...sealed, clientSecret: sealed.clientSecret.replace(/.{8}$/, 'AAAAAAAA') }),
    ],
  ])('does not open with a secret %s', (_what, change) => {
    expect(() => decryptAccount(encryptor, change(encryptAccount(encryptor, whole)))).toThrow(
      DecryptionError,
    );
  });

  test('does not open without its key, and is not the same as any other then', () => {
    const sealed = encryptAccount(new Encryptor([old]), whole);
    expect(() => decryptAccount(encryptor, sealed)).toThrow(UnknownKeyError);
    expect(isSameAccount(encryptor, sealed, whole)).toBe(false);
    expect(isSameAccount(new Encryptor([key, old]), sealed, whole)).toBe(true);
    expect(isSameAccount(encryptor, encryptAccount(encryptor, whole), { ...whole, clientSecret: 'x' })).toBe(
      false,
    );
  });

  test('is sealed anew with the key that seals, and only where another has sealed it, or none', () => {
    const both = new Encryptor([key, old]);
    const anew = reencryptAccount(both, encryptAccount(new Encryptor([old]), whole));
    expect(listKeyIds(anew)).toEqual(new Set([both.keyId]));
    expect(decryptAccount(encryptor, anew)).toEqual(whole);
    expect(reencryptAccount(both, anew)).toEqual(anew);
    expect(decryptAccount(encryptor, reencryptAccount(both, whole))).toEqual(whole);
    expect(listKeyIds(reencryptAccount(both, whole))).toEqual(new Set([both.keyId]));
  });

  test('may have a secret that only looks sealed, or of any characters', () => {
    for (const clientSecret of [
      'sealed:',
      'sealed:AQID',
      `sealed:${Buffer.alloc(60, 1).toString('base64')}`,
      '\ud800\0',
      ' x ',
    ]) {
      const kept = encryptAccount(encryptor, { ...whole, clientSecret });
      expect(decryptAccount(encryptor, kept).clientSecret).toBe(clientSecret);
    }
  });
});
