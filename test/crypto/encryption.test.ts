import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '../../src/config/config-error.js';
import { UnknownKeyError } from '../../src/crypto/unknown-key-error.js';
import { openEncryptor } from '../../src/setup/encryption.js';
import { tempDir } from '../support/temp-dir.js';

describe('the keys of a process', () => {
  const [one, two] = [randomBytes(32), randomBytes(32)];

  test('are the configured ones, and PostgreSQL is refused without a key', () => {
    const old = openEncryptor({ encryptionKey: two.toString('hex') });
    const both = openEncryptor({ encryptionKey: `${one.toString('base64')},${two.toString('hex')}` });
    expect(both.decrypt(old.encrypt('x', 'c'), 'c')).toBe('x');
    expect(both.keyIds).toHaveLength(2);
    expect(() => openEncryptor({})).toThrow(/is not set, and PostgreSQL requires it/);
    expect(() => openEncryptor({ encryptionKey: '' })).toThrow(ConfigError);
  });

  test('of the embedded database are its own and stay the same at every start', async () => {
    const folder = await tempDir();
    const sealed = openEncryptor({ folder }).encrypt('x', 'c');
    expect(existsSync(join(folder, 'encryption.key'))).toBe(true);
    expect(openEncryptor({ folder }).decrypt(sealed, 'c')).toBe('x');
    // A key that is configured later seals, and the folder's own still opens.
    const later = openEncryptor({ folder, encryptionKey: one.toString('hex') });
    expect(later.decrypt(sealed, 'c')).toBe('x');
    expect(later.keyId).toBe(openEncryptor({ encryptionKey: one.toString('hex') }).keyId);
  });

  test('of an in-memory database are discarded with it', () => {
    const sealed = openEncryptor({ folder: 'memory://' }).encrypt('x', 'c');
    expect(() => openEncryptor({ folder: 'memory://' }).decrypt(sealed, 'c')).toThrow(UnknownKeyError);
  });
});
