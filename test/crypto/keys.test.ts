import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { InvalidKeyError } from '../../src/crypto/invalid-key-error.js';
import { loadKey, loadOrCreateKey } from '../../src/crypto/key-file.js';
import { parseKeys } from '../../src/crypto/keys.js';
import { tempDir } from '../support/temp-dir.js';

const key = randomBytes(32);

describe('a configured key', () => {
  test.each([
    ['base64', key.toString('base64')],
    ['base64 without padding', key.toString('base64').replace(/=+$/, '')],
    ['base64url', key.toString('base64url')],
    ['hexadecimal digits', key.toString('hex')],
    ['upper-case hexadecimal digits', key.toString('hex').toUpperCase()],
  ])('is read from %s', (_, text) => {
    expect(parseKeys(text, 'KEY')).toEqual([key]);
  });

  test('may be one of several, separated by commas', () => {
    const other = randomBytes(32);
    expect(parseKeys(`${other.toString('hex')}, ${key.toString('base64')}`, 'KEY')).toEqual([other, key]);
  });

  test.each([
    ['c2hvcnQ=', 'KEY: the key has 5 bytes, and must have 32: openssl rand -base64 32'],
    ['not a key!', 'KEY: the key is neither base64 nor hexadecimal'],
    [`${key.toString('hex')},`, 'KEY: key 2 of 2 is empty'],
    [`${key.toString('hex')},abc`, 'KEY: key 2 of 2 has 2 bytes, and must have 32: openssl rand -base64 32'],
  ])('that cannot be used is refused without being repeated: %s', (text, message) => {
    expect(() => parseKeys(text, 'KEY')).toThrow(new InvalidKeyError('KEY', message.replace('KEY: ', '')));
  });
});

describe('the key of the embedded default', () => {
  test('is created once, for its user alone, and leaves no temporary file', async () => {
    const folder = await tempDir();
    expect(loadKey(folder)).toBeUndefined();
    const made = loadOrCreateKey(folder);
    expect(made).toHaveLength(32);
    expect(loadOrCreateKey(folder)).toEqual(made);
    expect(loadKey(folder)).toEqual(made);
    expect(statSync(join(folder, 'encryption.key')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['encryption.key']);
    expect(parseKeys(readFileSync(join(folder, 'encryption.key'), 'utf8').trim(), 'file')).toEqual([made]);
  });

  test.each([0o640, 0o604, 0o666])('is refused where other users can access it: %o', async (mode) => {
    const folder = await tempDir();
    loadOrCreateKey(folder);
    chmodSync(join(folder, 'encryption.key'), mode);
    expect(() => loadOrCreateKey(folder)).toThrow(
      /encryption\.key: other users can access it \(mode \d+\): run chmod 600/,
    );
  });

  test('does not replace a key that cannot be read', async () => {
    const folder = await tempDir();
    const file = join(folder, 'encryption.key');
    writeFileSync(file, 'garbage!', { mode: 0o600 });
    expect(() => loadOrCreateKey(folder)).toThrow(InvalidKeyError);
    expect(readFileSync(file, 'utf8')).toBe('garbage!');
  });

  test('names the reason if it cannot be created', async () => {
    const nowhere = join(await tempDir(), 'nowhere');
    expect(() => loadOrCreateKey(nowhere)).toThrow(/cannot be created \(ENOENT\)/);
  });
});
