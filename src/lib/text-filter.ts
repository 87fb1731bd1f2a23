/**
 * What may be shown of a text that another server wrote. It can repeat what it was sent, so secrets, and what looks like a
 * telephone number, an e-mail address or a national id, are taken out of it before it is stored, logged or answered.
 */

export interface TextFilterOptions {
  /** What must not be shown in any spelling: plain, percent-encoded, base64, or with characters between that are not seen. */
  readonly secrets: readonly string[];
  /** Of the request that was answered: the ids in it stay readable. */
  readonly path: string;
}

/** In characters. */
export const MAX_SHOWN = 200;
const HIDDEN = '***';
/** How much of a text is read beyond the longest secret: what is shown comes from its beginning. */
const MAX_READ = 2_000;
/** As long as a part of a telephone number or an e-mail address can be that a cut has left. */
const MAX_PARTIAL_MATCH = 320;
/** A shorter secret would take every letter out of the text. */
const MIN_SECRET = 2;

/** Seven digits are the shortest telephone number and the shortest national id. */
const MIN_DIGITS = 7;
const DIGIT = /\p{Nd}/gu;
/** Words with a digit in them, with the separators between them that people write in numbers. */
const NUMBERS =
  /[\p{L}\p{M}]*\p{Nd}[\p{L}\p{M}\p{Nd}]*(?:[\s\p{Pd}.,·/\\()[\]{}+_*#|−]{1,5}[\p{L}\p{M}]*\p{Nd}[\p{L}\p{M}\p{Nd}]*)*/gu;
const EMAIL = /(?<![^\s"<>()[\]:;,\\])[^\s"<>()[\]:;,\\@]* {0,2}(?:@|%40) {0,2}[^\s"<>()[\]:;,\\]*/gu;
const CREDENTIALS = /\b(bearer|basic)(?:[\s:="']|%20|%3A)+[^\s"',;<>]+/giu;
const NAMED_SECRET =
  /((?:access|refresh|id)_?token|client_?secret|api_?key|password|passwd)(["']?\s*[:=]\s*["']?)[^\s"'&,;<>]+/giu;
/** The form of an access token that is a JSON Web Token. */
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
    // Numbers first: an e-mail address may take a part of one, and leave the other.
    const shown = redactNumbers(redactCredentials(hide(normal(hide(head)))), ids).replace(EMAIL, HIDDEN);
    // Of what stands at the cut only a part was read, which no pattern knows.
    return truncate(head.length === text.length ? shown : `${shown.slice(0, -reach)}…`, MAX_SHOWN);
  };
}

/** Without what has another spelling, is not seen, or begins a line. */
function normal(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}

/** Without what follows the name of a secret or the scheme of a header, and without tokens. */
export function redactCredentials(text: string): string {
  return text
    .replace(NAMED_SECRET, `$1$2${HIDDEN}`)
    .replace(CREDENTIALS, `$1 ${HIDDEN}`)
    .replace(WEB_TOKEN, HIDDEN);
}

/** Not in the middle of a character. */
export function truncate(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

function redactNumbers(text: string, ids: readonly string[]): string {
  const numbers = ids.filter((id) => /^\p{Nd}+$/u.test(id));
  // An id with letters or dashes in it is no part of a telephone number; one of digits alone may be.
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

/** Leaves what is kept as it is, and changes what stands between. */
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

/** The longest first, so that none leaves the end of another. */
function alternatives(texts: readonly string[]): string {
  return [...new Set(texts)]
    .sort((one, other) => other.length - one.length)
    .map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
    .join('|');
}
