// What is wrong with input is told in the field's words, each thing with its path, and without the value.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { findClosestName } from '../../src/lib/closest-name.js';
import { validate } from '../../src/lib/validation.js';

const problemsOf = (schema: z.ZodType, input: unknown) => {
  const checked = validate(schema, input);
  return checked.success ? [] : checked.problems.map(({ path, reason }) => `${path}: ${reason}`);
};
const one = (schema: z.ZodType, input: unknown) => problemsOf(schema, input)[0];
const kinds = z.discriminatedUnion('type', [
  z.object({ type: z.literal('occupied') }),
  z.object({ type: z.literal('released') }),
  z.object({ type: z.literal('available') }),
]);

test.each([
  [
    z.object({ events: z.array(z.unknown()).max(1_000) }),
    { events: Array(1_001) },
    'events: expected at most 1,000 events',
  ],
  [z.object({ events: z.array(z.unknown()).min(1) }), { events: [] }, 'events: expected at least 1 event'],
  [z.object({ entries: z.array(z.unknown()).min(1) }), { entries: [] }, 'entries: expected at least 1 entry'],
  [
    z.object({ occupancy: z.array(z.unknown()).max(1) }),
    { occupancy: [1, 2] },
    'occupancy: expected at most 1 entry',
  ],
  [z.array(z.unknown()).max(2), [1, 2, 3], ': expected at most 2 entries'],
  [z.string().max(200), 'x'.repeat(201), ': expected at most 200 characters'],
  [z.string().max(1), 'xx', ': expected at most 1 character'],
  [z.string().min(1), '', ': must not be empty'],
  [z.int().max(1_440), 2_000, ': expected at most 1,440'],
  [z.number().gt(0), 0, ': expected more than 0'],
  [z.int(), 1.5, ': expected whole number'],
  [z.int(), '1', ': expected whole number'],
  [z.int(), Number.NaN, ': expected whole number'],
  [z.int(), 2 ** 60, ': is too large a number'],
  [z.string(), 1, ': expected text'],
  [z.array(z.string()), 'x', ': expected list'],
  [z.object({}), null, ': expected object'],
  [z.boolean(), 'yes', ': expected true or false'],
  [z.object({ a: z.string() }), {}, 'a: is required'],
  [z.iso.date(), '16.11.2026', ': expected a date of the calendar, written YYYY-MM-DD'],
  [z.url(), 'x', ': expected a URL'],
  [z.enum(['slots', 'breaks', 'book']), 'magic', ': expected slots, breaks or book'],
  [z.enum(['slots', 'breaks', 'book']), 'braeks', ': expected slots, breaks or book, did you mean "breaks"?'],
  [z.union([z.string(), z.int()]), true, ': expected text or whole number'],
  [z.union([z.literal('off'), z.object({ share: z.number() })]), 7, ': expected off or object'],
  [kinds, { type: 'ocupied' }, 'type: expected occupied, released or available, did you mean "occupied"?'],
  [kinds, { type: 'canceled' }, 'type: expected occupied, released or available'],
  [kinds, {}, 'type: is required'],
])('case %#', (schema, input, expected) => {
  expect(one(schema, input)).toBe(expected);
});

describe('a near miss', () => {
  const known = [
    'id',
    'type',
    'calendar',
    'ref',
    'start',
    'end',
    'version',
    'kind',
    'service',
    'booking',
    'from',
    'to',
    'windows',
  ];

  test.each([
    ['verison', 'version'],
    ['versoin', 'version'],
    ['versions', 'version'],
    ['Ref', 'ref'],
    ['reff', 'ref'],
    ['calender', 'calendar'],
    ['calendar_id', 'calendar'],
    ['strat', 'start'],
    ['servcie', 'service'],
    ['form', 'from'],
    ['ID', 'id'],
  ])('%s is taken for %s', (given, meant) => {
    expect(findClosestName(given, known)).toBe(meant);
  });

  test.each([
    'patient',
    'note',
    'name',
    'state',
    'status',
    'uid',
    'room',
    'session',
    'time',
    'date',
    'color',
    '',
  ])('%j is none', (given) => {
    expect(findClosestName(given, known)).toBeUndefined();
  });

  test('one slip in a known name of three letters or more is found, and nothing throws', () => {
    const slip = fc
      .tuple(
        fc.constantFrom(...known.filter((name) => name.length > 2)),
        fc.nat(20),
        fc.constantFrom('left out', 'doubled', 'exchanged'),
      )
      .map(([name, at, how]) => {
        const n = at % (name.length - 1);
        if (how === 'left out') return name.slice(0, n) + name.slice(n + 1);
        if (how === 'doubled') return name.slice(0, n + 1) + name.slice(n);
        return name.slice(0, n) + (name[n + 1] ?? '') + (name[n] ?? '') + name.slice(n + 2);
      });
    fc.assert(fc.property(slip, (given) => expect(findClosestName(given, known)).toBeDefined()));
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (given) => void findClosestName(given, known)));
  });
});
