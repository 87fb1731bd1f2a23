import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Line, readLines } from '../../../src/clinic/snapshots/ndjson.js';

async function linesOf(chunks: readonly (string | Uint8Array)[], maxBytes?: number): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of readLines(Readable.from(chunks), maxBytes)) lines.push(line);
  return lines;
}

describe('JSON lines', () => {
  test('are read one by one, without empty lines, the last with or without its newline', async () => {
    const text = '{"a":1}\r\n\n  \n"żółć"\n[2]';
    const expected = [
      { kind: 'value', number: 1, value: { a: 1 } },
      { kind: 'value', number: 4, value: 'żółć' },
      { kind: 'value', number: 5, value: [2] },
    ];
    expect(await linesOf([text])).toEqual(expected);
    expect(await linesOf([`${text}\n`])).toEqual(expected);
    expect(await linesOf([])).toEqual([]);
  });

  test('are the same however the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.json()), fc.array(fc.nat({ max: 20 })), async (values, cuts) => {
        const bytes = Buffer.from(values.join('\n'));
        const chunks: Buffer[] = [];
        let from = 0;
        for (const cut of cuts) {
          chunks.push(bytes.subarray(from, from + cut));
          from += cut;
        }
        chunks.push(bytes.subarray(from));
        expect(await linesOf(chunks)).toEqual(
          values.map((value, index) => ({ kind: 'value', number: index + 1, value: JSON.parse(value) })),
        );
      }),
    );
  });

  test('that cannot be read are reported with their number, and the others are read', async () => {
    const broken = Buffer.concat([Buffer.from('"a'), Buffer.from([0xc3]), Buffer.from('"\n')]);
    expect(
      await linesOf(['1\n', 'nonsense\n', broken, `"${'x'.repeat(20)}"\n`, '2\n', '{"cut":'], 16),
    ).toEqual([
      { kind: 'value', number: 1, value: 1 },
      { kind: 'unreadable', number: 2, reason: 'is not JSON (at column 1)' },
      { kind: 'unreadable', number: 3, reason: 'is not UTF-8' },
      { kind: 'unreadable', number: 4, reason: 'is longer than 16 bytes' },
      { kind: 'value', number: 5, value: 2 },
      { kind: 'unreadable', number: 6, reason: 'is not JSON (it ends too early)' },
    ]);
  });

  test('without an end use no memory', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    async function* endless() {
      for (let n = 0; n < 400; n += 1) yield chunk;
    }
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const watched = async function* () {
      for await (const piece of endless()) {
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
        yield piece;
      }
    };
    const lines: Line[] = [];
    for await (const line of readLines(watched(), 8 * 1024 * 1024)) lines.push(line);
    expect(lines).toMatchObject([{ kind: 'unreadable', number: 1 }]);
    expect(most).toBeLessThan(200 * 1024 * 1024);
  });
});
