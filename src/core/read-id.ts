/** Parses the id of a service, which a clinic's system writes as text or as a whole number. */

/** Returns the id as text, or undefined if the value is empty or neither text nor a whole number. */
export function readId(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return Number.isSafeInteger(value) ? String(value) : undefined;
}
