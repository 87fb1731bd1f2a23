import { describe, expect, test } from '@jest/globals';
import { bookableStarts, computeSlotConfigs, InvalidScheduleError, type Slot } from '../../src/core/index.js';

const slot = (
  start: string,
  end: string,
  ...services: (readonly [id: string, duration: number])[]
): Slot => ({
  start,
  end,
  address_services: services.map(([id, duration]) => ({ address_service_id: id, duration })),
});

/** Formats each start as `10:00 a+b`. */
const texts = (slots: readonly Slot[], timeZone?: string) =>
  bookableStarts(slots, timeZone).map(
    ({ start, services }) => `${start.slice(11, 16)} ${services.join('+')}`,
  );

const day = '2026-11-16T';
const from = (start: string, end: string) => [`${day}${start}:00+01:00`, `${day}${end}:00+01:00`] as const;

test('a slot has a start every duration while the whole appointment fits', () => {
  expect(texts([slot(...from('10:00', '10:35'), ['a', 10])])).toEqual(['10:00 a', '10:10 a', '10:20 a']);
});

test('blocked time takes the starts whose appointment overlaps it, for each service by itself', () => {
  const blocked = [{ start: `${day}10:15:30`, end: `${day}10:20` }];
  const starts = bookableStarts([slot(...from('10:00', '11:00'), ['b', 20], ['a', 10])], 'Europe/Warsaw', {
    blocked,
  });
  expect(starts.map(({ start, services }) => `${start.slice(11, 16)} ${services.join('+')}`)).toEqual([
    '10:00 a',
    '10:20 a+b',
    '10:30 a',
    '10:40 a+b',
    '10:50 a',
  ]);
});

test('each service has starts at its own duration from the start of the slot', () => {
  expect(texts([slot(...from('10:00', '11:00'), ['b', 20], ['a', 30])])).toEqual([
    '10:00 a+b',
    '10:20 b',
    '10:30 a',
    '10:40 b',
  ]);
});

test('the cut "divisor" computes starts at the greatest common divisor of the durations', () => {
  const cut = (slots: readonly Slot[]) =>
    bookableStarts(slots, undefined, { cut: 'divisor' }).map(
      ({ start, services }) => `${start.slice(11, 16)} ${services.join('+')}`,
    );
  expect(cut([slot(...from('09:00', '10:40'), ['a', 60], ['b', 20])])).toEqual([
    '09:00 a+b',
    '09:20 a+b',
    '09:40 a+b',
    '10:00 b',
    '10:20 b',
  ]);
  expect(cut([slot(...from('09:00', '09:30'), ['a', 15], ['b', 10])])).toEqual([
    '09:00 a+b',
    '09:05 a+b',
    '09:10 a+b',
    '09:15 a+b',
    '09:20 b',
  ]);
  const alike = [slot(...from('09:00', '09:50'), ['a', 20], ['b', 20])];
  expect(cut(alike)).toEqual(texts(alike));
});

test('bookableStarts rejects an unknown cut', () => {
  expect(() => bookableStarts([], undefined, { cut: 'halves' } as never)).toThrow(
    expect.objectContaining({ path: 'cut' }),
  );
});

test('the starts of each slot count from its own start, and all starts are sorted and unique', () => {
  const slots = [slot(...from('10:15', '10:35'), ['a', 10]), slot(...from('10:00', '10:30'), ['a', 15])];
  expect(texts(slots)).toEqual(['10:00 a', '10:15 a', '10:25 a']);
});

test('starts have the offset of their slot', () => {
  expect(bookableStarts([slot(...from('10:00', '10:10'), ['a', 10])])).toEqual([
    { start: '2026-11-16T10:00:00+01:00', services: ['a'] },
  ]);
});

describe('bookableStarts of a slot with a clock change', () => {
  const slots = [slot('2026-03-29T01:30:00+01:00', '2026-03-29T03:30:00+02:00', ['a', 30])];

  test('starts have the offset of the start of the slot', () => {
    expect(bookableStarts(slots).map(({ start }) => start)).toEqual([
      '2026-03-29T01:30:00+01:00',
      '2026-03-29T02:00:00+01:00',
    ]);
  });

  test('starts have the offset of the wall clock if a zone is given', () => {
    expect(bookableStarts(slots, 'Europe/Warsaw').map(({ start }) => start)).toEqual([
      '2026-03-29T01:30:00+01:00',
      '2026-03-29T03:00:00+02:00',
    ]);
  });
});

test('an entry without services has no starts', () => {
  expect(bookableStarts([slot(...from('10:00', '11:00'))])).toEqual([]);
});

test('the founding example has five starts and none at half past ten', () => {
  const [computed] = computeSlotConfigs({
    timeZone: 'Europe/Warsaw',
    windows: [{ start: `${day}10:00`, end: `${day}11:00`, services: [{ id: '123', duration: 10 }] }],
    busy: [{ start: `${day}10:30`, end: `${day}10:40` }],
  });
  expect(texts(computed?.slots ?? [])).toEqual([
    '10:00 123',
    '10:10 123',
    '10:20 123',
    '10:40 123',
    '10:50 123',
  ]);
});

test.each<readonly [path: string, slots: unknown]>([
  ['slots', {}],
  ['slots[0]', [null]],
  ['slots[0].start', [{ ...slot('10:00', '11:00'), start: `${day}10:00` }]],
  ['slots[0].end', [slot(`${day}10:00Z`, `${day}10:00Z`)]],
  ['slots[0].end', [slot('1970-01-01T00:00Z', '9999-01-01T00:00Z', ['a', 1])]],
  ['slots[0].address_services', [{ ...slot(...from('10:00', '11:00')), address_services: 'a' }]],
  ['slots[0].address_services[0].duration', [slot(...from('10:00', '11:00'), ['a', 0])]],
])('bookableStarts throws an error at %s (case %#)', (path, slots) => {
  expect(() => bookableStarts(slots as never)).toThrow(InvalidScheduleError);
  expect(() => bookableStarts(slots as never)).toThrow(expect.objectContaining({ path }));
});
