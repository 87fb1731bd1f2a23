/**
 * The encryption key of the embedded database: a file beside the database that only its user can read. The first start
 * creates it; nothing changes it later.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { InvalidKeyError } from './invalid-key-error.js';
import { KEY_BYTES, parseKeys } from './keys.js';

const NAME = 'encryption.key';
const OWNER_ONLY = 0o600;
const OTHERS = 0o077;

/**
 * Loads the folder's key, or creates one if there is none.
 * @throws {InvalidKeyError} where the file cannot be read, holds no key, or is accessible to other users
 */
export function loadOrCreateKey(folder: string): Buffer {
  return loadKey(folder) ?? createKey(folder);
}

/**
 * Loads the folder's key; undefined if there is none.
 * @throws {InvalidKeyError}
 */
export function loadKey(folder: string): Buffer | undefined {
  const file = join(folder, NAME);
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return undefined;
    throw new InvalidKeyError(file, `cannot be read (${code})`, { cause: error });
  }
  try {
    const mode = fstatSync(descriptor).mode & 0o777;
    if ((mode & OTHERS) !== 0) {
      const octal = mode.toString(8).padStart(3, '0');
      throw new InvalidKeyError(
        file,
        `other users can access it (mode ${octal}): run chmod 600, and replace the key if someone has read it`,
      );
    }
    const [key, ...more] = parseKeys(readFileSync(descriptor, 'utf8').trim(), file);
    if (key === undefined || more.length > 0) throw new InvalidKeyError(file, 'must hold one key');
    return key;
  } finally {
    closeSync(descriptor);
  }
}

/** Writes a temporary file, syncs it, and links it to the final name, so that the key file is complete or absent. */
function createKey(folder: string): Buffer {
  const file = join(folder, NAME);
  const unfinished = join(folder, `${NAME}.${randomUUID()}`);
  const key = randomBytes(KEY_BYTES);
  try {
    const descriptor = openSync(unfinished, 'wx', OWNER_ONLY);
    try {
      fchmodSync(descriptor, OWNER_ONLY);
      writeSync(descriptor, `${key.toString('base64')}\n`);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    linkSync(unfinished, file);
    syncFolder(folder);
    return key;
  } catch (error) {
    // Another process created the key first; its key is used.
    const existing = codeOf(error) === 'EEXIST' ? loadKey(folder) : undefined;
    if (existing !== undefined) return existing;
    throw new InvalidKeyError(file, `cannot be created (${codeOf(error)})`, { cause: error });
  } finally {
    rmSync(unfinished, { force: true });
  }
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error);
