/** Parses JSON. The error names the position of the problem and repeats none of the text, which may have patient data. */

export type ReadJson =
  | { readonly success: true; readonly value: unknown }
  | { readonly success: false; readonly reason: string };

export function readJson(text: string): ReadJson {
  try {
    return { success: true, value: JSON.parse(text) };
  } catch {
    return { success: false, reason: `is not JSON${whereIn(text)}` };
  }
}

/** The line and column of the first wrong character, both from 1. */
function whereIn(text: string): string {
  let at: number;
  try {
    at = firstWrong(text);
  } catch {
    // The string has more escapes than the regular expression can process.
    return '';
  }
  if (at >= text.length) return ' (it ends too early)';
  const before = text.slice(0, at).split('\n');
  const column = (before.at(-1)?.length ?? 0) + 1;
  return before.length === 1 ? ` (at column ${column})` : ` (at line ${before.length}, column ${column})`;
}

/** The characters of a string. The pattern needs no stack space per character. */
const CHARACTERS = String.raw`[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[^"\\\u0000-\u001f]*)*`;
const OTHER = String.raw`(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.])`;
const TOKEN = new RegExp(String.raw`[ \t\n\r]*(?:([{}[\],:])|("${CHARACTERS}")|${OTHER})`, 'y');
/** The beginning of a valid string without its end. */
const UNENDED = new RegExp(String.raw`"${CHARACTERS}(?:\\(?:u[\da-fA-F]{0,3})?)?$`, 'y');
const SPACE = /[ \t\n\r]*/y;

/** What is expected next: a value, a value or the end of the list, a key, a key or the end of the object, a colon, or what follows a value. */
type Next = 'value' | 'item' | 'key' | 'member' | ':' | 'more';

/** The position of the first wrong token; the length of the text if there is none. */
function firstWrong(text: string): number {
  const open: string[] = [];
  let next: Next = 'value';
  for (let at = 0; at < text.length; ) {
    TOKEN.lastIndex = at;
    SPACE.lastIndex = at;
    const start = at + (SPACE.exec(text)?.[0].length ?? 0);
    const found = TOKEN.exec(text);
    const after: Next | null | undefined = found && following(found, next, open);
    UNENDED.lastIndex = start;
    if (found === null && UNENDED.test(text)) return text.length;
    if (found === null || after == null) return start;
    next = after;
    at = TOKEN.lastIndex;
  }
  return text.length;
}

function following([, mark, string]: RegExpExecArray, next: Next, open: string[]): Next | undefined {
  const takesValue = next === 'value' || next === 'item';
  switch (mark) {
    case '{':
    case '[':
      if (!takesValue) return undefined;
      open.push(mark);
      return mark === '{' ? 'member' : 'item';
    case '}':
    case ']': {
      const isRight = open.pop() === (mark === '}' ? '{' : '[');
      const mayClose = next === 'more' || next === (mark === '}' ? 'member' : 'item');
      return isRight && mayClose ? 'more' : undefined;
    }
    case ',':
      if (next !== 'more' || open.length === 0) return undefined;
      return open.at(-1) === '{' ? 'key' : 'value';
    case ':':
      return next === ':' ? 'value' : undefined;
    default:
      if (string !== undefined && (next === 'key' || next === 'member')) return ':';
      return takesValue ? 'more' : undefined;
  }
}
