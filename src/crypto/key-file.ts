/**
 * The key of the embedded default: a file beside the database that only its user can read. It is made at the first
 * start, and never changed by us.
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
import { KEY_BYTES, readKeys } from './keys.js';

const NAME = 'encryption.key';
const OWNER_ONLY = 0o600;
const OTHERS = 0o077;

/**
 * The key in this folder; made if there is none.
 * @throws {InvalidKeyError} where it cannot be read, is no key, or others can read it
 */
export function keyFile(folder: string): Buffer {
  return readKeyFile(folder) ?? makeKeyFile(folder);
}

/** The key in this folder, if there is one. */
export function readKeyFile(folder: string): Buffer | undefined {
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
        `others can get at it (mode ${octal}): chmod 600, and think of who has read it`,
      );
    }
    const [key, ...more] = readKeys(readFileSync(descriptor, 'utf8').trim(), file);
    if (key === undefined || more.length > 0) throw new InvalidKeyError(file, 'must hold one key');
    return key;
  } finally {
    closeSync(descriptor);
  }
}

/** Under another name first, and linked to its own when all of it is on the disk: it is there whole, or not at all. */
function makeKeyFile(folder: string): Buffer {
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
    // Another process was faster: its key holds.
    const theirs = codeOf(error) === 'EEXIST' ? readKeyFile(folder) : undefined;
    if (theirs !== undefined) return theirs;
    throw new InvalidKeyError(file, `cannot be made (${codeOf(error)})`, { cause: error });
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
