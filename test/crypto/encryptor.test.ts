import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { DecryptionError } from '../../src/crypto/decryption-error.js';
import { Encryptor } from '../../src/crypto/encryptor.js';
import { UnknownKeyError } from '../../src/crypto/unknown-key-error.js';

const key = () => randomBytes(32);
const patient = { patient: { name: 'Zażółć', phone: '+48123123123' }, list: [1, null, true] };

describe('a seal', () => {
  test('gives back what was sealed, in its own context', () => {
    const encryptor = new Encryptor([key()]);
    expect(encryptor.open(encryptor.seal(patient, 'ntf_1'), 'ntf_1')).toEqual(patient);
    for (const plain of [null, '', 0, [], 'text']) {
      expect(encryptor.open(encryptor.seal(plain, 'x'), 'x')).toEqual(plain);
    }
  });

  test('shows nothing of what is in it, and is another each time', () => {
    const encryptor = new Encryptor([key()]);
    const [one, two] = [encryptor.seal(patient, 'ntf_1'), encryptor.seal(patient, 'ntf_1')];
    expect(one.includes('Zażółć')).toBe(false);
    expect(one.includes('123123')).toBe(false);
    expect(one.equals(two)).toBe(false);
  });

  test('does not open in another context', () => {
    const encryptor = new Encryptor([key()]);
    expect(() => encryptor.open(encryptor.seal(patient, 'ntf_1'), 'ntf_2')).toThrow(DecryptionError);
  });

  test('does not open once any byte of it was changed', () => {
    const encryptor = new Encryptor([key()]);
    const sealed = encryptor.seal({ a: 1 }, 'x');
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(() => encryptor.open(changed, 'x')).toThrow();
    }
    expect(() => encryptor.open(sealed.subarray(0, -1), 'x')).toThrow(DecryptionError);
    expect(() => encryptor.open(sealed.subarray(0, 20), 'x')).toThrow(DecryptionError);
    expect(() => encryptor.open(Buffer.alloc(0), 'x')).toThrow(DecryptionError);
  });

  test('opens with every key, and is made with the first: so keys can be changed', () => {
    const [old, fresh] = [key(), key()];
    const sealedBefore = new Encryptor([old]).seal(patient, 'x');
    const changing = new Encryptor([fresh, old]);
    expect(changing.open(sealedBefore, 'x')).toEqual(patient);
    expect(new Encryptor([fresh]).open(changing.seal(patient, 'x'), 'x')).toEqual(patient);
    expect(changing).toMatchObject({
      keyId: new Encryptor([fresh]).keyId,
      oldKeyIds: [new Encryptor([old]).keyId],
    });
  });

  test('says which key is missing, by an id that is not the key', () => {
    const old = new Encryptor([key()]);
    let found: unknown;
    try {
      new Encryptor([key()]).open(old.seal(patient, 'x'), 'x');
    } catch (error) {
      found = error;
    }
    expect(found).toBeInstanceOf(UnknownKeyError);
    expect(found).toMatchObject({ keyId: old.keyId });
  });

  test('cannot be made without a key', () => {
    expect(() => new Encryptor([])).toThrow('there is no key to seal with');
  });
});

test('the room imports nothing of the project', () => {
  const folder = new URL('../../src/crypto/', import.meta.url);
  for (const file of readdirSync(folder)) {
    const source = readFileSync(new URL(file, folder), 'utf8');
    for (const [, from = ''] of source.matchAll(/\bfrom '([^']+)'/g))
      expect(from).toMatch(/^(node:|\.\/[\w-]+\.js$)/);
  }
});
