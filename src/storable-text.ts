/** What PostgreSQL's text and JSON cannot hold: NUL, and half of a character (a surrogate without its other half). */

const UNSTORABLE = /[\0\p{Surrogate}]/u;

export const isStorable = (text: string): boolean => !UNSTORABLE.test(text);

/** The same with a replacement character in place of each of them. */
export const storable = (text: string): string => text.replace(/[\0\p{Surrogate}]/gu, '\uFFFD');
