/** Text that PostgreSQL's types `text` and `jsonb` cannot store: NUL, and a surrogate without its other half. */

const UNSTORABLE = /[\0\p{Surrogate}]/u;

export const isStorable = (text: string): boolean => !UNSTORABLE.test(text);

/** Replaces each such character with U+FFFD. */
export const replaceUnstorable = (text: string): string => text.replace(/[\0\p{Surrogate}]/gu, '\uFFFD');

type Path = readonly PropertyKey[];

/** The paths that are reported at most. */
const MAX_PATHS = 10;
/** The keys of a reported path at most. */
const MAX_DEPTH = 100;

/** The paths of texts that cannot be stored, at any depth. Keys of objects are texts, too. */
export function findUnstorable(input: unknown): Path[] {
  // Input can be nested deeper than the call stack, and rarely has such a text: paths are computed only if there is one.
  return hasUnstorable(input) ? pathsIn(input) : [];
}

function hasUnstorable(input: unknown): boolean {
  const rest = [input];
  while (rest.length > 0) {
    const value = rest.pop();
    if (typeof value === 'string') {
      if (!isStorable(value)) return true;
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of entriesOf(value)) {
        if (typeof key === 'string' && !isStorable(key)) return true;
        rest.push(item);
      }
    }
  }
  return false;
}

interface Place {
  readonly value: unknown;
  readonly key: string | number;
  readonly in: Place | undefined;
}

function pathsIn(input: unknown): Path[] {
  const found: Path[] = [];
  const rest: Place[] = [{ value: input, key: '', in: undefined }];
  for (let next = rest.pop(); next !== undefined && found.length < MAX_PATHS; next = rest.pop()) {
    const { value } = next;
    if (typeof value === 'string' && !isStorable(value)) found.push(pathOf(next));
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, item] of entriesOf(value).reverse()) {
      const isKey = typeof key === 'string' && !isStorable(key);
      rest.push({ value: isKey ? key : item, key: isKey ? replaceUnstorable(key) : key, in: next });
    }
  }
  return found;
}

function pathOf(place: Place): Path {
  const path: (string | number)[] = [];
  for (let at = place; at.in !== undefined; at = at.in) path.push(at.key);
  return path.reverse().slice(0, MAX_DEPTH);
}

const entriesOf = (value: object): [string | number, unknown][] =>
  Array.isArray(value)
    ? Array.from(value, (item: unknown, index) => [index, item])
    : ArrayBuffer.isView(value)
      ? []
      : Object.entries(value);
