/** Tests the formats of instants in clinics' systems against luxon's parsers of ISO 8601 and SQL. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DateTime } from 'luxon';
import { isSkippedTime } from '../../src/core/civil.js';
import { computeSlotConfigs, InvalidScheduleError, parseInstant } from '../../src/core/index.js';
import { sampleOf } from '../support/long.js';

const WARSAW = 'Europe/Warsaw';
const read = (value: unknown) => parseInstant(value as string, WARSAW, 'at');
const reasonOf = (value: unknown): string => {
  try {
    return String(read(value));
  } catch (error) {
    if (error instanceof InvalidScheduleError) return error.reason;
    throw error;
  }
};

test.each([
  ['2026-12-07 10:00', '2026-12-07T09:00:00.000Z'],
  ['2026-12-07 10:00:30', '2026-12-07T09:00:30.000Z'],
  ['2026-12-07 10:00:00.000+01', '2026-12-07T09:00:00.000Z'],
  ['2026-12-07 10:00:00.123456+00', '2026-12-07T10:00:00.123Z'],
  ['2026-12-07 10:00:00 +0100', '2026-12-07T09:00:00.000Z'],
  ['2026-12-07 10:00Z', '2026-12-07T10:00:00.000Z'],
  ['2026-12-07T10:00+01', '2026-12-07T09:00:00.000Z'],
  ['2026-12-07T10:00-03', '2026-12-07T13:00:00.000Z'],
])('%s is %s', (text, expected) => {
  expect(new Date(read(text)).toISOString()).toBe(expected);
});

test.each([
  '2026-12-07  10:00',
  '2026-12-07 10',
  '2026-12-07 ',
  ' 2026-12-07 10:00',
  '2026-12-07 10:00+1',
  '2026-12-07 10:00+24',
  '2026-12-07 10:00 tomorrow',
  '2026-12-07 10:00+01:00:00',
  '1796636400',
])('%j is not an instant', (text) => {
  expect(reasonOf(text)).toMatch(/^must be an instant of the years 1970 to 9999/);
});

describe('a numeric instant', () => {
  test.each([0, 1, 1_796_636_400, 99_999_999_999, 1_796_636_400.5])('%d looks like seconds', (seconds) => {
    expect(reasonOf(seconds)).toBe('looks like seconds: send milliseconds or ISO 8601');
  });

  test.each([100_000_000_000, 1_796_636_400_000])('%d is epoch milliseconds', (ms) => {
    expect(read(ms)).toBe(ms);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 8.64e15])('%d is not an instant', (value) => {
    expect(reasonOf(value)).toMatch(/^must be an instant/);
  });

  test('a Date is parsed exactly in every year', () => {
    expect(read(new Date(1_000))).toBe(1_000);
  });
});

const two = (value: number): string => String(value).padStart(2, '0');
const parts = fc.record({
  ms: fc.integer({ min: Date.UTC(1970, 0, 2), max: Date.UTC(9999, 11, 30) - 1 }),
  between: fc.constantFrom('T', ' '),
  precision: fc.constantFrom('minutes', 'seconds', 'milliseconds'),
  offset: fc.option(
    fc.record({
      sign: fc.constantFrom(1, -1),
      hours: fc.integer({ min: 0, max: 14 }),
      minutes: fc.constantFrom(0, 30, 45),
      form: fc.constantFrom('+HH', '+HHMM', '+HH:MM', 'Z'),
    }),
    { nil: undefined },
  ),
});

test('a text with a T or a space and any offset and precision has the same result as with luxon', () => {
  fc.assert(
    fc.property(parts, ({ ms, between, precision, offset }) => {
      const [date = '', time = ''] = new Date(ms).toISOString().slice(0, -1).split('T');
      const length = { minutes: 5, seconds: 8, milliseconds: 12 }[precision];
      const { form, sign, hours, minutes } = offset ?? { form: '', sign: 1, hours: 0, minutes: 0 };
      const after = `${sign === 1 ? '+' : '-'}${two(hours)}`;
      const zone = {
        '': '',
        Z: 'Z',
        '+HH': after,
        '+HHMM': after + two(minutes),
        '+HH:MM': `${after}:${two(minutes)}`,
      }[form];
      const clock = time.slice(0, length);
      const expected = DateTime.fromISO(`${date}T${clock}${zone}`, { zone: 'UTC' }).toMillis();
      fc.pre(expected >= 0);
      expect(parseInstant(`${date}${between}${clock}${zone}`, 'UTC', 'at')).toBe(expected);
    }),
    { numRuns: sampleOf(20_000) },
  );
});

test('any text is an instant of the supported years or throws an error with a reason', () => {
  const pieces = fc.constantFrom(
    ' ',
    'T',
    '+',
    '-',
    ':',
    '.',
    'Z',
    '2026-12-07',
    '10:00',
    '00',
    '+01',
    'W',
    '7',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 8 }), (list) => {
      expect(reasonOf(list.join(''))).toMatch(/^\d+$|^must be an instant/);
    }),
    { numRuns: sampleOf(20_000) },
  );
});

test('a service with a numeric id equals the service with the same id as text', () => {
  const at = (id: string | number) =>
    computeSlotConfigs({
      timeZone: WARSAW,
      windows: [
        { start: '2026-12-07 10:00', end: '2026-12-07 11:00', services: [{ id, duration: 10 }] },
        { start: '2026-12-07 11:00', end: '2026-12-07 12:00', services: [{ id: '123', duration: 10 }] },
      ],
    });
  expect(at(123)).toEqual(at('123'));
  expect(at(123)[0]?.slots).toMatchObject([{ address_services: [{ address_service_id: '123' }] }]);
});

test('a wall-clock time that the clock skips is recognised, and nothing else', () => {
  const skipped = ['2026-03-29T02:00', '2026-03-29 02:59:59', '20260329T0230'];
  for (const text of skipped) expect(isSkippedTime(text, 'Europe/Warsaw')).toBe(true);
  const others = [
    '2026-03-29T01:59',
    '2026-03-29T03:00',
    '2026-03-29T02:30Z',
    '2026-03-29T02:30+02:00',
    '2026-10-25T02:30',
  ];
  for (const text of [...others, new Date(), Date.parse('2026-03-29T01:30Z')])
    expect(isSkippedTime(text, 'Europe/Warsaw')).toBe(false);
  expect(isSkippedTime('2026-09-06T00:30', 'America/Santiago')).toBe(true);
  expect(isSkippedTime('2026-03-29T02:30', 'UTC')).toBe(false);
});
