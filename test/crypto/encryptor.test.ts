import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { BrokenSealError } from '../../src/crypto/decryption-error.js';
import { Sealer } from '../../src/crypto/encryptor.js';
import { SealedByUnknownKeyError } from '../../src/crypto/unknown-key-error.js';

const key = () => randomBytes(32);
const patient = { patient: { name: 'Zażółć', phone: '+48123123123' }, list: [1, null, true] };

describe('a seal', () => {
  test('gives back what was sealed, in its own context', () => {
    const sealer = new Sealer([key()]);
    expect(sealer.open(sealer.seal(patient, 'ntf_1'), 'ntf_1')).toEqual(patient);
    for (const plain of [null, '', 0, [], 'text']) {
      expect(sealer.open(sealer.seal(plain, 'x'), 'x')).toEqual(plain);
    }
  });

  test('shows nothing of what is in it, and is another each time', () => {
    const sealer = new Sealer([key()]);
    const [one, two] = [sealer.seal(patient, 'ntf_1'), sealer.seal(patient, 'ntf_1')];
    expect(one.includes('Zażółć')).toBe(false);
    expect(one.includes('123123')).toBe(false);
    expect(one.equals(two)).toBe(false);
  });

  test('does not open in another context', () => {
    const sealer = new Sealer([key()]);
    expect(() => sealer.open(sealer.seal(patient, 'ntf_1'), 'ntf_2')).toThrow(BrokenSealError);
  });

  test('does not open once any byte of it was changed', () => {
    const sealer = new Sealer([key()]);
    const sealed = sealer.seal({ a: 1 }, 'x');
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(() => sealer.open(changed, 'x')).toThrow();
    }
    expect(() => sealer.open(sealed.subarray(0, -1), 'x')).toThrow(BrokenSealError);
    expect(() => sealer.open(sealed.subarray(0, 20), 'x')).toThrow(BrokenSealError);
    expect(() => sealer.open(Buffer.alloc(0), 'x')).toThrow(BrokenSealError);
  });

  test('opens with every key, and is made with the first: so keys can be changed', () => {
    const [old, fresh] = [key(), key()];
    const sealedBefore = new Sealer([old]).seal(patient, 'x');
    const changing = new Sealer([fresh, old]);
    expect(changing.open(sealedBefore, 'x')).toEqual(patient);
    expect(new Sealer([fresh]).open(changing.seal(patient, 'x'), 'x')).toEqual(patient);
    expect(changing).toMatchObject({
      keyId: new Sealer([fresh]).keyId,
      oldKeyIds: [new Sealer([old]).keyId],
    });
  });

  test('says which key is missing, by an id that is not the key', () => {
    const old = new Sealer([key()]);
    let found: unknown;
    try {
      new Sealer([key()]).open(old.seal(patient, 'x'), 'x');
    } catch (error) {
      found = error;
    }
    expect(found).toBeInstanceOf(SealedByUnknownKeyError);
    expect(found).toMatchObject({ keyId: old.keyId });
  });

  test('cannot be made without a key', () => {
    expect(() => new Sealer([])).toThrow('there is no key to seal with');
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
