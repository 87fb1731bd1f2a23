/**
 * Encrypts values at rest with AES-256-GCM. The ciphertext begins with the id of its key, so that keys can be rotated. It is
 * bound to its context, such as the id of its row, and cannot be decrypted in another one.
 *
 * Layout: 1 byte format version, 8 bytes key id, 12 bytes iv, 16 bytes tag, the ciphertext.
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { DecryptionError } from './decryption-error.js';
import { randomBytes } from './random-bytes.js';
import { UnknownKeyError } from './unknown-key-error.js';

const CIPHER = 'aes-256-gcm';
const FORMAT = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Byte offsets of the parts. SQL queries read the key id at this offset, too. */
export const KEY_ID_AT = 1;
export const KEY_ID_BYTES = 8;
const IV_AT = KEY_ID_AT + KEY_ID_BYTES;
const TAG_AT = IV_AT + IV_BYTES;
const TEXT_AT = TAG_AT + TAG_BYTES;

interface Key {
  readonly id: Buffer;
  readonly key: Buffer;
}

/** Derives the id of a key. The key cannot be derived from its id. */
const idOf = (key: Buffer): Buffer =>
  createHmac('sha256', key).update('slotkeeper key id').digest().subarray(0, KEY_ID_BYTES);

/** The id of the ciphertext's key as hexadecimal digits; undefined where the bytes are no ciphertext. */
export function keyIdOf(ciphertext: Uint8Array): string | undefined {
  if (ciphertext[0] !== FORMAT || ciphertext.length < TEXT_AT) return undefined;
  return Buffer.from(ciphertext.subarray(KEY_ID_AT, IV_AT)).toString('hex');
}

export class Encryptor {
  readonly #keys: readonly [Key, ...Key[]];

  /** @param keys of 32 bytes, at least one: the first encrypts, all decrypt */
  constructor(keys: readonly Buffer[]) {
    const [first, ...others] = keys.map((key) => ({ id: idOf(key), key }));
    if (first === undefined) throw new TypeError('there is no key to encrypt with');
    this.#keys = [first, ...others];
  }

  /** The id of the encrypting key as hexadecimal digits. */
  get keyId(): string {
    return this.#keys[0].id.toString('hex');
  }

  /** The ids of all decrypting keys. */
  get keyIds(): readonly string[] {
    return this.#keys.map(({ id }) => id.toString('hex'));
  }

  /** The ids of the keys that only decrypt. */
  get oldKeyIds(): readonly string[] {
    return this.keyIds.filter((id) => id !== this.keyId);
  }

  /**
   * @param plain a JSON value
   * @param context the owner of the value; decryption requires the same
   */
  encrypt(plain: unknown, context: string): Buffer {
    const [first] = this.#keys;
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, first.key, iv, { authTagLength: TAG_BYTES }).setAAD(
      Buffer.from(context),
    );
    const text = Buffer.concat([cipher.update(JSON.stringify(plain) ?? 'null', 'utf8'), cipher.final()]);
    return Buffer.concat([Buffer.of(FORMAT), first.id, iv, cipher.getAuthTag(), text]);
  }

  /**
   * @throws {UnknownKeyError}
   * @throws {DecryptionError} where the ciphertext was modified, or belongs to another context
   */
  decrypt(ciphertext: Uint8Array, context: string): unknown {
    const bytes = Buffer.from(ciphertext.buffer, ciphertext.byteOffset, ciphertext.byteLength);
    if (bytes[0] !== FORMAT || bytes.length < TEXT_AT) throw new DecryptionError('unknown format');
    const id = bytes.subarray(KEY_ID_AT, IV_AT);
    const found = this.#keys.find((key) => key.id.equals(id));
    if (found === undefined) throw new UnknownKeyError(id.toString('hex'));
    const decipher = createDecipheriv(CIPHER, found.key, bytes.subarray(IV_AT, TAG_AT), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(TAG_AT, TEXT_AT));
    let text: Buffer;
    try {
      text = Buffer.concat([decipher.update(bytes.subarray(TEXT_AT)), decipher.final()]);
    } catch (error) {
      throw new DecryptionError('modified, or bound to another context', { cause: error });
    }
    return JSON.parse(text.toString('utf8'));
  }
}
