import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { InvalidKeyError } from '../../src/crypto/invalid-key-error.js';
import { keyFile, readKeyFile } from '../../src/crypto/key-file.js';
import { readKeys } from '../../src/crypto/keys.js';
import { tempDir } from '../support/temp-dir.js';

const key = randomBytes(32);

describe('a key that is written down', () => {
  test.each([
    ['base64', key.toString('base64')],
    ['base64 without padding', key.toString('base64').replace(/=+$/, '')],
    ['base64url', key.toString('base64url')],
    ['hexadecimal digits', key.toString('hex')],
    ['upper-case hexadecimal digits', key.toString('hex').toUpperCase()],
  ])('is read from %s', (_, text) => {
    expect(readKeys(text, 'KEY')).toEqual([key]);
  });

  test('may be one of several, with commas between them', () => {
    const other = randomBytes(32);
    expect(readKeys(`${other.toString('hex')}, ${key.toString('base64')}`, 'KEY')).toEqual([other, key]);
  });

  test.each([
    ['c2hvcnQ=', 'KEY: the key has 5 bytes, and must have 32: openssl rand -base64 32'],
    ['not a key!', 'KEY: the key is neither base64 nor hexadecimal'],
    [`${key.toString('hex')},`, 'KEY: key 2 of 2 is empty'],
    [`${key.toString('hex')},abc`, 'KEY: key 2 of 2 has 2 bytes, and must have 32: openssl rand -base64 32'],
  ])('that cannot be used is refused without being repeated: %s', (text, message) => {
    expect(() => readKeys(text, 'KEY')).toThrow(new InvalidKeyError('KEY', message.replace('KEY: ', '')));
  });
});

describe('the key of the embedded default', () => {
  test('is made once, for its user alone, and leaves nothing beside it', async () => {
    const folder = await tempDir();
    expect(readKeyFile(folder)).toBeUndefined();
    const made = keyFile(folder);
    expect(made).toHaveLength(32);
    expect(keyFile(folder)).toEqual(made);
    expect(readKeyFile(folder)).toEqual(made);
    expect(statSync(join(folder, 'encryption.key')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['encryption.key']);
    expect(readKeys(readFileSync(join(folder, 'encryption.key'), 'utf8').trim(), 'file')).toEqual([made]);
  });

  test.each([0o640, 0o604, 0o666])('is refused where others can get at it: %o', async (mode) => {
    const folder = await tempDir();
    keyFile(folder);
    chmodSync(join(folder, 'encryption.key'), mode);
    expect(() => keyFile(folder)).toThrow(/encryption\.key: others can get at it \(mode \d+\): chmod 600/);
  });

  test('is never made anew in place of one that cannot be read', async () => {
    const folder = await tempDir();
    const file = join(folder, 'encryption.key');
    writeFileSync(file, 'garbage!', { mode: 0o600 });
    expect(() => keyFile(folder)).toThrow(InvalidKeyError);
    expect(readFileSync(file, 'utf8')).toBe('garbage!');
  });

  test('that cannot be made says why', async () => {
    const nowhere = join(await tempDir(), 'nowhere');
    expect(() => keyFile(nowhere)).toThrow(/cannot be made \(ENOENT\)/);
  });
});
