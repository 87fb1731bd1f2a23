/** Reads JSON lines from a stream, one at a time, with bounded memory. A line that is too long or invalid does not affect others. */

import { readJson } from '../../lib/read-json.js';

/** The maximum length of a line equals that of an HTTP request. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;

export type Line =
  | { readonly kind: 'value'; readonly number: number; readonly value: unknown }
  | { readonly kind: 'unreadable'; readonly number: number; readonly reason: string };

const NEWLINE = 10;

/** Skips empty lines. `number` counts from 1. */
export async function* readLines(
  source: AsyncIterable<Uint8Array | string>,
  maxBytes: number = MAX_LINE_BYTES,
): AsyncGenerator<Line> {
  let pieces: Buffer[] = [];
  let size = 0;
  let number = 1;
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk);
    for (let from = 0; ; ) {
      const newline = bytes.indexOf(NEWLINE, from);
      const piece = bytes.subarray(from, newline === -1 ? bytes.length : newline);
      size += piece.length;
      // The bytes of a line that is too long are only counted.
      if (size > maxBytes) pieces = [];
      else pieces.push(piece);
      if (newline === -1) break;
      const line = readLine(pieces, size, number, maxBytes);
      if (line !== undefined) yield line;
      pieces = [];
      size = 0;
      number += 1;
      from = newline + 1;
    }
  }
  const last = readLine(pieces, size, number, maxBytes);
  if (last !== undefined) yield last;
}

function readLine(
  pieces: readonly Buffer[],
  size: number,
  number: number,
  maxBytes: number,
): Line | undefined {
  if (size > maxBytes) {
    return { kind: 'unreadable', number, reason: `is longer than ${maxBytes} bytes` };
  }
  let text: string;
  try {
    // Decoding is strict, because a ref with a replacement character would name another appointment.
    text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces));
  } catch {
    return { kind: 'unreadable', number, reason: 'is not UTF-8' };
  }
  if (text.trim() === '') return undefined;
  const json = readJson(text);
  return json.success
    ? { kind: 'value', number, value: json.value }
    : { kind: 'unreadable', number, reason: json.reason };
}
