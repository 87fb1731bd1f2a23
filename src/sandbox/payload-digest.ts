// Decides when two payloads are equal. Contract: replaceSlots, Duplicates.
import { createHash } from 'node:crypto';

/**
 * The digest of a parsed JSON value. Payloads that differ only in the order of keys or in white space are equal. Payloads with
 * another order of entries, with a split entry, or with the same instant at another offset are different.
 */
export function payloadDigest(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sortKeys(value)))
    .digest('base64');
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value ?? null;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, sortKeys(inner)]);
}
