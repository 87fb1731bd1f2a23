/** Reads the id of a service: text, or the whole number that a clinic's system has for it. */

/** As text; undefined where it is neither, or empty. */
export function readId(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return Number.isSafeInteger(value) ? String(value) : undefined;
}
