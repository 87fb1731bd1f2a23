/** Serializes a rejected event for storage: the known fields of events, without any other key. */

import { ANY_EVENT } from './event-schema.js';
import type { Fields } from './known-fields.js';

const MAX_CHARACTERS = 64 * 1024;

/** The event as JSON; null where it is longer than 64 KiB. */
export function serializeRejectedEvent(data: unknown): string | null {
  const text = JSON.stringify(pickKnown(data, ANY_EVENT) ?? {});
  return text.length > MAX_CHARACTERS ? null : text;
}

function pickKnown(value: unknown, fields: true | Fields): unknown {
  if (Array.isArray(value)) return value.map((one) => (Array.isArray(one) ? null : pickKnown(one, fields)));
  if (typeof value !== 'object' || value === null) return fields === true ? value : undefined;
  if (fields === true) return undefined;
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, inner]) =>
      Object.hasOwn(value, name) ? [[name, pickKnown(Reflect.get(value, name), inner)]] : [],
    ),
  );
}
