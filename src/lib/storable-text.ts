/** What PostgreSQL's text and JSON cannot hold: NUL, and half of a character (a surrogate without its other half). */

const UNSTORABLE = /[\0\p{Surrogate}]/u;

export const isStorable = (text: string): boolean => !UNSTORABLE.test(text);

/** The same with a replacement character in place of each of them. */
export const replaceUnstorable = (text: string): string => text.replace(/[\0\p{Surrogate}]/gu, '\uFFFD');

type Path = readonly PropertyKey[];

/** As many as are told. */
const MAX_TOLD = 10;
/** Of a path that is told. */
const MAX_DEPTH = 100;

/** The paths of texts that cannot be stored, keys of objects included, however deep they are. */
export function findUnstorable(input: unknown): Path[] {
  // Input can be nested deeper than a function can call itself, and nearly never has such a text: paths are made afterwards.
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
  for (let next = rest.pop(); next !== undefined && found.length < MAX_TOLD; next = rest.pop()) {
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
