/**
 * Filters text that another server wrote. Such text can repeat the request. Secrets, and what looks like a telephone number, an
 * e-mail address or a national id, are removed before the text is stored, logged or returned.
 */

export interface TextFilterOptions {
  /** Secrets. They are removed in every notation: plain, percent-encoded, base64, or with invisible characters in between. */
  readonly secrets: readonly string[];
  /** The path of the request: its ids stay readable. */
  readonly path: string;
}

/** In characters. */
export const MAX_SHOWN = 200;
const HIDDEN = '***';
/** The characters that are read beyond the longest secret. */
const MAX_READ = 2_000;
/** The longest part of a telephone number or an e-mail address that a cut can leave. */
const MAX_PARTIAL_MATCH = 320;
/** Shorter secrets are ignored: they would match ordinary text. */
const MIN_SECRET = 2;

/** Seven digits are the shortest telephone number and the shortest national id. */
const MIN_DIGITS = 7;
const DIGIT = /\p{Nd}/gu;
/** Words that have a digit, with the separators that people write in numbers. */
const NUMBERS =
  /[\p{L}\p{M}]*\p{Nd}[\p{L}\p{M}\p{Nd}]*(?:[\s\p{Pd}.,·/\\()[\]{}+_*#|−]{1,5}[\p{L}\p{M}]*\p{Nd}[\p{L}\p{M}\p{Nd}]*)*/gu;
const EMAIL = /(?<![^\s"<>()[\]:;,\\])[^\s"<>()[\]:;,\\@]* {0,2}(?:@|%40) {0,2}[^\s"<>()[\]:;,\\]*/gu;
const CREDENTIALS = /\b(bearer|basic)(?:[\s:="']|%20|%3A)+[^\s"',;<>]+/giu;
const NAMED_SECRET =
  /((?:access|refresh|id)_?token|client_?secret|api_?key|password|passwd)(["']?\s*[:=]\s*["']?)[^\s"'&,;<>]+/giu;
/** A JSON Web Token. */
const WEB_TOKEN = /\beyJ[\w-]{5,}(?:\.[\w-]*)*/gu;

/** @returns what shows at most 200 characters of a text, on one line */
export function createTextFilter({ secrets, path }: TextFilterOptions): (text: string) => string {
  const long = (text: string): boolean => text.length >= MIN_SECRET;
  const forms = secrets.filter(long).flatMap(spellings).filter(long);
  const pattern = forms.length === 0 ? undefined : new RegExp(alternatives(forms), 'giu');
  const hide = (text: string): string => (pattern === undefined ? text : text.replace(pattern, HIDDEN));
  const reach = Math.max(MAX_PARTIAL_MATCH, ...forms.map((form) => form.length));
  const ids = idsOf(path);
  return (text) => {
    const head = text.slice(0, MAX_READ + reach);
    // Numbers come first: the pattern of an e-mail address can match a part of a number.
    const shown = redactNumbers(redactCredentials(hide(normal(hide(head)))), ids).replace(EMAIL, HIDDEN);
    // At the cut only a part of a word was read, which no pattern matches.
    return truncate(head.length === text.length ? shown : `${shown.slice(0, -reach)}…`, MAX_SHOWN);
  };
}

/** Normalizes the notation, removes invisible characters, and joins the lines. */
function normal(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}

/** Removes tokens, and what follows the name of a secret or the scheme of an Authorization header. */
export function redactCredentials(text: string): string {
  return text
    .replace(NAMED_SECRET, `$1$2${HIDDEN}`)
    .replace(CREDENTIALS, `$1 ${HIDDEN}`)
    .replace(WEB_TOKEN, HIDDEN);
}

/** Never cuts within a character. */
export function truncate(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

function redactNumbers(text: string, ids: readonly string[]): string {
  const numbers = ids.filter((id) => /^\p{Nd}+$/u.test(id));
  // An id of digits alone can be a part of a telephone number; an id with letters or dashes cannot.
  return splitAt(
    text,
    ids.filter((id) => !numbers.includes(id)),
    (rest) =>
      rest.replace(NUMBERS, (found) =>
        (found.match(DIGIT)?.length ?? 0) < MIN_DIGITS
          ? found
          : splitAt(found, numbers, (part) =>
              part.replace(/[\p{L}\p{M}\p{Nd}].*[\p{L}\p{M}\p{Nd}]|\p{Nd}/su, HIDDEN),
            ),
      ),
  );
}

/** Leaves the `kept` parts unchanged, and applies `change` to the text between them. */
function splitAt(text: string, kept: readonly string[], change: (between: string) => string): string {
  if (kept.length === 0) return change(text);
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(${alternatives(kept)})(?![\\p{L}\\p{N}])`, 'gu');
  return text
    .split(pattern)
    .map((part, index) => (index % 2 === 1 ? part : change(part)))
    .join('');
}

/** The segments of a path that are ids, dates or instants. */
function idsOf(path: string): string[] {
  return path
    .split('/')
    .map((segment) => decoded(segment).normalize('NFKC'))
    .filter((segment) => /\p{Nd}/u.test(segment));
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function spellings(secret: string): string[] {
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '');
  const base64url = Buffer.from(secret).toString('base64url');
  const form = new URLSearchParams({ '': secret }).toString().slice(1);
  const percent = form.replaceAll('+', '%20');
  const json = JSON.stringify(secret).slice(1, -1);
  return [
    secret,
    normal(secret),
    secret.trim(),
    json,
    form,
    percent,
    base64,
    base64url,
    encodeURIComponent(base64),
  ];
}

/** The longest comes first, so that no alternative matches only the beginning of another. */
function alternatives(texts: readonly string[]): string {
  return [...new Set(texts)]
    .sort((one, other) => other.length - one.length)
    .map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
    .join('|');
}
