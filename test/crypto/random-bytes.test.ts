import { expect, test } from '@jest/globals';
import { randomBytes } from '../../src/crypto/random-bytes.js';

test('returns each byte once, also across refills of the pool', () => {
  const all = Array.from({ length: 2_000 }, () => randomBytes(12));
  const before = all.map((bytes) => bytes.toString('hex'));
  expect(new Set(before).size).toBe(2_000);
  for (let n = 0; n < 1_000; n += 1) randomBytes(30);
  expect(all.map((bytes) => bytes.toString('hex'))).toEqual(before);
  expect(before.filter((hex) => /^0+$/.test(hex))).toEqual([]);
});

test('returns the requested length, up to the size of the pool', () => {
  for (const length of [0, 1, 15, 4_095, 4_096]) expect(randomBytes(length)).toHaveLength(length);
  expect(() => randomBytes(4_097)).toThrow('at most 4096');
});
