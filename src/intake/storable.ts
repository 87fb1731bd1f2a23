/** Text that can be kept: neither the database nor a log takes every string that JSON can spell. */
import { formatPath, type Problem } from '../check.js';
import { isStorable } from '../storable-text.js';

export const UNSTORABLE = 'has characters that cannot be stored';

interface Place {
  readonly value: unknown;
  /** Undefined for the outermost value, as its `parent` is. */
  readonly key: PropertyKey | undefined;
  readonly parent: Place | undefined;
}

/** Where a value has text that cannot be kept, at any depth, keys included; at most so many places. */
export function unstorableIn(value: unknown, most: number): Problem[] {
  const problems: Problem[] = [];
  // No recursion: what comes in may be nested deeper than the stack is.
  const left: Place[] = [{ value, key: undefined, parent: undefined }];
  for (let one = left.pop(); one !== undefined && problems.length < most; one = left.pop()) {
    const { value: found } = one;
    if (typeof found === 'string') {
      if (!isStorable(found)) problems.push({ path: pathOf(one), reason: UNSTORABLE });
    } else if (typeof found === 'object' && found !== null) {
      const isList = Array.isArray(found);
      for (const [key, inner] of Object.entries(found).reverse()) {
        if (!isList && !isStorable(key)) {
          problems.push({ path: pathOf(one), reason: 'has a key with characters that cannot be stored' });
        } else if (typeof inner === 'string' || typeof inner === 'object') {
          left.push({ value: inner, key: isList ? Number(key) : key, parent: one });
        }
      }
    }
  }
  return problems;
}

function pathOf(place: Place): string {
  const path: PropertyKey[] = [];
  for (let at: Place | undefined = place; at?.key !== undefined; at = at.parent) path.push(at.key);
  return formatPath(path.reverse());
}
