/** Parses configured encryption keys. */
import { InvalidKeyError } from './invalid-key-error.js';

export const KEY_BYTES = 32;

const HEX = /^[0-9a-f]+$/i;
/** Standard or URL-safe, with its padding or without. */
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/**
 * Keys of 32 bytes as base64 or as hexadecimal digits, separated by commas: the first encrypts, all decrypt.
 * @param source where the text comes from, for the error: the name of a variable or of a file
 * @throws {InvalidKeyError} naming the invalid key's position and the reason, without the key
 */
export function parseKeys(text: string, source: string): Buffer[] {
  const parts = text.split(',').map((part) => part.trim());
  return parts.map((part, index) => {
    const which = parts.length === 1 ? 'the key' : `key ${index + 1} of ${parts.length}`;
    if (part === '') throw new InvalidKeyError(source, `${which} is empty`);
    const bytes = decode(part);
    if (bytes === undefined) throw new InvalidKeyError(source, `${which} is neither base64 nor hexadecimal`);
    if (bytes.length !== KEY_BYTES) {
      const reason = `${which} has ${bytes.length} bytes, and must have ${KEY_BYTES}: openssl rand -base64 32`;
      throw new InvalidKeyError(source, reason);
    }
    return bytes;
  });
}

/** Hexadecimal is tried first: 64 hexadecimal digits are also valid base64, but of 48 bytes, which is no key. */
function decode(text: string): Buffer | undefined {
  if (HEX.test(text) && text.length === 2 * KEY_BYTES) return Buffer.from(text, 'hex');
  return BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
}
