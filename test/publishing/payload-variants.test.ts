import { describe, expect, test } from '@jest/globals';
import { duplicateWindowMs } from '../../src/context/duplicate-window.js';
import { NoPayloadVariantError } from '../../src/context/no-payload-variant-error.js';
import type { Slot } from '../../src/core/index.js';
import { payloadHash, payloadVariants, unusedPayloadVariant } from '../../src/publishing/payload-variants.js';
import { slot } from '../db/seed-rows.js';

const night: Slot = { ...slot, start: '2026-11-16T00:00:00+01:00', end: '2026-11-16T23:59:00+01:00' };

const nothing: Slot = { start: night.start, end: night.end, address_services: [] };

/** What it empties: entries without services, those that touch as one. */
const emptied = (slots: readonly Slot[]) => {
  const all: { readonly start: number; end: number }[] = [];
  for (const { start, end, address_services: services } of slots) {
    if (services.length > 0) continue;
    const last = all.at(-1);
    if (last?.end === Date.parse(start)) last.end = Date.parse(end);
    else all.push({ start: Date.parse(start), end: Date.parse(end) });
  }
  return all;
};

/** What the marketplace makes of a body: the same for all payloadVariants of it. */
const starts = (slots: readonly Slot[]) =>
  slots.flatMap(({ start, end, address_services }) =>
    address_services.flatMap(({ address_service_id, duration }) => {
      const found: string[] = [];
      for (let at = Date.parse(start); at + duration * 60_000 <= Date.parse(end); at += duration * 60_000) {
        found.push(`${address_service_id} ${new Date(at).toISOString()}`);
      }
      return found;
    }),
  );

describe.each([
  ['an hour', [slot]],
  ['a day round the clock', [night]],
  ['a day that is to show nothing', [nothing]],
  [
    'an hour, and another day that is to show nothing',
    [{ ...slot, start: '2026-11-17T10:00:00+01:00', end: '2026-11-17T11:00:00+01:00' }, nothing],
  ],
  ['both', [slot, { ...night, start: '2026-11-17T00:00:00+01:00', end: '2026-11-17T23:59:00+01:00' }]],
])('the payload variants of %s', (_, slots) => {
  const all = [...payloadVariants(slots)];

  test('are more than 40 repeated writes a minute use up', () => {
    expect(all.length).toBeGreaterThan(40);
    expect(new Set(all.map(payloadHash)).size).toBe(all.length);
    expect(all[0]).toEqual(slots);
  });

  test('offer the same starts, and each entry lies within one date in its offset', () => {
    const [meant, gone] = [starts(slots), emptied(slots)];
    for (const variant of all) {
      expect(starts(variant)).toEqual(meant);
      expect(emptied(variant)).toEqual(gone);
      for (const { start, end } of variant) {
        expect(start.slice(0, 10)).toBe(end.slice(0, 10));
        for (const instant of [start, end]) {
          expect(instant).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:00[+-](0\d|1[0-4]):(00|15|30|45)$/);
        }
      }
    }
  });

  test('are used in order, and none that was sent recently', () => {
    const sent = new Set<string>();
    for (const variant of all.slice(0, 5)) {
      expect(unusedPayloadVariant(slots, sent)).toEqual(variant);
      sent.add(payloadHash(variant));
    }
    expect(() => unusedPayloadVariant(slots, new Set(all.map(payloadHash)))).toThrow(NoPayloadVariantError);
  });
});

test('a body is not sent again for three minutes and the duration of a request', () => {
  expect(duplicateWindowMs(10_000)).toBeGreaterThan(3 * 60_000 + 10_000);
});
