/**
 * Seals what must not be read where it is kept: AES-256-GCM, with the id of the key in front, so that keys can be
 * changed. A seal is bound to its context, such as the id of its row: moved to another it does not open.
 *
 * Layout: 1 byte format, 8 bytes key id, 12 bytes iv, 16 bytes tag, the ciphertext.
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { DecryptionError } from './decryption-error.js';
import { randomBytes } from './random-bytes.js';
import { UnknownKeyError } from './unknown-key-error.js';

const CIPHER = 'aes-256-gcm';
const FORMAT = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Where the parts begin. Whoever looks for seals by their key in a database reads these bytes, too. */
export const KEY_ID_AT = 1;
export const KEY_ID_BYTES = 8;
const IV_AT = KEY_ID_AT + KEY_ID_BYTES;
const TAG_AT = IV_AT + IV_BYTES;
const TEXT_AT = TAG_AT + TAG_BYTES;

interface Key {
  readonly id: Buffer;
  readonly key: Buffer;
}

/** A key's id follows from the key, and the key does not follow from it. */
const idOf = (key: Buffer): Buffer =>
  createHmac('sha256', key).update('slotkeeper key id').digest().subarray(0, KEY_ID_BYTES);

/** The id of the key that sealed it, as hexadecimal digits; undefined for what is no seal. */
export function keyIdOf(sealed: Uint8Array): string | undefined {
  if (sealed[0] !== FORMAT || sealed.length < TEXT_AT) return undefined;
  return Buffer.from(sealed.subarray(KEY_ID_AT, IV_AT)).toString('hex');
}

export class Encryptor {
  readonly #keys: readonly [Key, ...Key[]];

  /** @param keys of 32 bytes, at least one: the first seals, all open */
  constructor(keys: readonly Buffer[]) {
    const [first, ...others] = keys.map((key) => ({ id: idOf(key), key }));
    if (first === undefined) throw new TypeError('there is no key to seal with');
    this.#keys = [first, ...others];
  }

  /** The id of the key that seals, as hexadecimal digits. */
  get keyId(): string {
    return this.#keys[0].id.toString('hex');
  }

  /** The ids of all keys that open. */
  get keyIds(): readonly string[] {
    return this.#keys.map(({ id }) => id.toString('hex'));
  }

  /** The ids of those that only open. */
  get oldKeyIds(): readonly string[] {
    return this.keyIds.filter((id) => id !== this.keyId);
  }

  /**
   * @param plain anything that JSON can say
   * @param context what it belongs to; the same is needed to open it
   */
  seal(plain: unknown, context: string): Buffer {
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
   * @throws {DecryptionError} where it was changed, or sealed for another context
   */
  open(sealed: Uint8Array, context: string): unknown {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    if (bytes[0] !== FORMAT || bytes.length < TEXT_AT) throw new DecryptionError('its form is not known');
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
      throw new DecryptionError('it was changed, or belongs elsewhere', { cause: error });
    }
    return JSON.parse(text.toString('utf8'));
  }
}
