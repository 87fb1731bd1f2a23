import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { DecryptionError } from '../../src/crypto/decryption-error.js';
import { Encryptor } from '../../src/crypto/encryptor.js';
import { UnknownKeyError } from '../../src/crypto/unknown-key-error.js';

const key = () => randomBytes(32);
const patient = { patient: { name: 'Zażółć', phone: '+48123123123' }, list: [1, null, true] };

describe('a ciphertext', () => {
  test('decrypts to the encrypted value in its own context', () => {
    const encryptor = new Encryptor([key()]);
    expect(encryptor.decrypt(encryptor.encrypt(patient, 'ntf_1'), 'ntf_1')).toEqual(patient);
    for (const plain of [null, '', 0, [], 'text']) {
      expect(encryptor.decrypt(encryptor.encrypt(plain, 'x'), 'x')).toEqual(plain);
    }
  });

  test('contains no plaintext and differs each time', () => {
    const encryptor = new Encryptor([key()]);
    const [one, two] = [encryptor.encrypt(patient, 'ntf_1'), encryptor.encrypt(patient, 'ntf_1')];
    expect(one.includes('Zażółć')).toBe(false);
    expect(one.includes('123123')).toBe(false);
    expect(one.equals(two)).toBe(false);
  });

  test('does not decrypt in another context', () => {
    const encryptor = new Encryptor([key()]);
    expect(() => encryptor.decrypt(encryptor.encrypt(patient, 'ntf_1'), 'ntf_2')).toThrow(DecryptionError);
  });

  test('does not decrypt after any byte was changed', () => {
    const encryptor = new Encryptor([key()]);
    const encrypted = encryptor.encrypt({ a: 1 }, 'x');
    for (let at = 0; at < encrypted.length; at += 1) {
      const changed = Buffer.from(encrypted);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(() => encryptor.decrypt(changed, 'x')).toThrow();
    }
    expect(() => encryptor.decrypt(encrypted.subarray(0, -1), 'x')).toThrow(DecryptionError);
    expect(() => encryptor.decrypt(encrypted.subarray(0, 20), 'x')).toThrow(DecryptionError);
    expect(() => encryptor.decrypt(Buffer.alloc(0), 'x')).toThrow(DecryptionError);
  });

  test('is encrypted with the first key and decrypts with every key, so that keys can be rotated', () => {
    const [old, fresh] = [key(), key()];
    const sealedBefore = new Encryptor([old]).encrypt(patient, 'x');
    const changing = new Encryptor([fresh, old]);
    expect(changing.decrypt(sealedBefore, 'x')).toEqual(patient);
    expect(new Encryptor([fresh]).decrypt(changing.encrypt(patient, 'x'), 'x')).toEqual(patient);
    expect(changing).toMatchObject({
      keyId: new Encryptor([fresh]).keyId,
      oldKeyIds: [new Encryptor([old]).keyId],
    });
  });

  test('names the missing key by its id', () => {
    const old = new Encryptor([key()]);
    let found: unknown;
    try {
      new Encryptor([key()]).decrypt(old.encrypt(patient, 'x'), 'x');
    } catch (error) {
      found = error;
    }
    expect(found).toBeInstanceOf(UnknownKeyError);
    expect(found).toMatchObject({ keyId: old.keyId });
  });

  test('is not made without a key', () => {
    expect(() => new Encryptor([])).toThrow('there is no key to encrypt with');
  });
});

test('the crypto folder imports nothing else of the project', () => {
  const folder = new URL('../../src/crypto/', import.meta.url);
  for (const file of readdirSync(folder)) {
    const source = readFileSync(new URL(file, folder), 'utf8');
    for (const [, from = ''] of source.matchAll(/\bfrom '([^']+)'/g))
      expect(from).toMatch(/^(node:|\.\/[\w-]+\.js$)/);
  }
});
