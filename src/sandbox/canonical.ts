// What makes two payloads the same one. Contract: replaceSlots, Duplicates.
import { createHash } from 'node:crypto';

/**
 * A digest of what a JSON value says. Keys in another order or other white space are the same payload; another order of
 * entries, a split entry, or the same instant written with another offset is a different one.
 */
export function payloadDigest(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('base64');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value ?? null;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, sorted(inner)]);
}
