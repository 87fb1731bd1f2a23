/** What is kept of an event that was refused: the fields that an event has, and nothing else that came with it. */

/** `true` is a plain value or a list of such; everything else has the fields that it names, also as a list. */
type Fields = { readonly [name: string]: true | Fields };

const EVENT: Fields = {
  id: true,
  type: true,
  calendar: true,
  ref: true,
  start: true,
  end: true,
  version: true,
  kind: true,
  service: true,
  booking: true,
  from: true,
  to: true,
  windows: {
    start: true,
    end: true,
    services: { id: true, duration: true },
    insurance: { accepted: true, providers: true, plans: true },
  },
};

const MOST_CHARACTERS = 64 * 1024;

/** As JSON; null where it is longer than 64 KiB. */
export function keptEvent(data: unknown): string | null {
  const text = JSON.stringify(kept(data, EVENT) ?? {});
  return text.length > MOST_CHARACTERS ? null : text;
}

function kept(value: unknown, fields: true | Fields): unknown {
  if (Array.isArray(value)) return value.map((one) => (Array.isArray(one) ? null : kept(one, fields)));
  if (typeof value !== 'object' || value === null) return fields === true ? value : undefined;
  if (fields === true) return undefined;
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, inner]) =>
      Object.hasOwn(value, name) ? [[name, kept(Reflect.get(value, name), inner)]] : [],
    ),
  );
}
