import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type CalendarBreak,
  computeBreaks,
  computeSlotConfigs,
  diffBreaks,
  InvalidScheduleError,
} from '../../src/core/index.js';
import { sampleOf } from '../support/long.js';

const MINUTE = 60_000;
const NINE = Date.parse('2026-11-16T09:00Z');
const at = (time: string) => `2026-11-16T${time}`;
const span = (start: string, end: string) => ({ start: at(start), end: at(end) });
const pause = (since: string, till: string): CalendarBreak => ({
  since: at(`${since}:00Z`),
  till: at(`${till}:00Z`),
});

const breaks = (
  windows: { start: string; end: string }[],
  busy: { start: string; end: string }[],
  buffers = {},
) =>
  computeBreaks({ timeZone: 'UTC', windows, busy, ...buffers }).map(
    ({ since, till }) => `${since.slice(11, 19)}-${till.slice(11, 19)}`,
  );

describe('computeBreaks', () => {
  test('breaks block busy time only inside windows', () => {
    const busy = [span('08:30', '09:30'), span('11:50', '13:10'), span('20:00', '21:00')];
    expect(breaks([span('09:00', '12:00'), span('13:00', '15:00')], busy)).toEqual([
      '09:00:00-09:30:00',
      '11:50:00-12:00:00',
      '13:00:00-13:10:00',
    ]);
  });

  test('breaks are merged if busy time touches or overlaps', () => {
    const busy = [span('10:10', '10:20'), span('10:00', '10:10'), span('10:15', '10:40')];
    expect(breaks([span('09:00', '10:30'), span('10:30', '12:00')], busy)).toEqual(['10:00:00-10:40:00']);
  });

  test('breaks are widened by the buffers', () => {
    expect(
      breaks([span('09:00', '12:00')], [span('10:00', '10:10')], { bufferBefore: 5, bufferAfter: 15 }),
    ).toEqual(['09:55:00-10:25:00']);
  });

  test('breaks have exact seconds and round fractions of a second outwards', () => {
    expect(breaks([span('09:00', '12:00')], [span('10:00:30', '10:10:10.5')])).toEqual(['10:00:30-10:10:11']);
  });

  test('breaks have the offset of the zone, or of UTC without a zone', () => {
    const input = { windows: [span('09:00+01:00', '12:00+01:00')], busy: [span('09:00Z', '09:30Z')] };
    expect(computeBreaks(input)).toEqual([{ since: at('09:00:00+00:00'), till: at('09:30:00+00:00') }]);
    expect(computeBreaks({ ...input, timeZone: 'Europe/Warsaw' })).toEqual([
      { since: at('10:00:00+01:00'), till: at('10:30:00+01:00') },
    ]);
  });

  test('breaks and free time together equal the windows', () => {
    const spans = fc.array(
      fc
        .record({ start: fc.integer({ min: 0, max: 200 }), length: fc.integer({ min: 1, max: 60 }) })
        .map(({ start, length }) => ({
          start: NINE + start * MINUTE,
          end: NINE + (start + length) * MINUTE,
        })),
      { maxLength: 6 },
    );
    const minutes = (list: readonly { start: number; end: number }[]) => {
      const all = new Set<number>();
      for (const { start, end } of list) for (let ms = start; ms < end; ms += MINUTE) all.add(ms);
      return all;
    };
    fc.assert(
      fc.property(spans, spans, (windows, busy) => {
        const blocked = computeBreaks({ windows, busy }).map(({ since, till }) => ({
          start: Date.parse(since),
          end: Date.parse(till),
        }));
        const services = [{ id: '1', duration: 1 }];
        const free = computeSlotConfigs({
          timeZone: 'UTC',
          windows: windows.map((window) => ({ ...window, services })),
          busy,
        })
          .flatMap(({ slots }) => slots)
          .map(({ start, end }) => ({ start: Date.parse(start), end: Date.parse(end) }));
        const both = [...minutes(blocked), ...minutes(free)];
        expect(both.sort()).toEqual([...minutes(windows)].sort());
      }),
      { numRuns: sampleOf(500) },
    );
  });

  test.each<readonly [path: string, input: unknown]>([
    ['input', null],
    ['timeZone', { timeZone: 'Warsaw', windows: [], busy: [] }],
    ['windows', { busy: [] }],
    ['busy', { windows: [] }],
    ['windows[0].start', { windows: [span('09:00', '10:00')], busy: [] }],
    ['busy[0].end', { windows: [], busy: [span('10:00Z', '09:00Z')] }],
    ['bufferAfter', { windows: [], busy: [], bufferAfter: -1 }],
  ])('computeBreaks throws an error at %s (case %#)', (path, input) => {
    expect(() => computeBreaks(input as never)).toThrow(InvalidScheduleError);
    expect(() => computeBreaks(input as never)).toThrow(expect.objectContaining({ path }));
  });
});

describe('diffBreaks', () => {
  const withIds = (...list: CalendarBreak[]) => list.map((one, i) => ({ id: `b${i}`, ...one }));

  test('a break that equals a wanted break does not change, whatever its offset', () => {
    const existing = [{ id: 'b0', since: at('11:00:00+01:00'), till: at('12:00:00+01:00') }];
    expect(diffBreaks(existing, [pause('10:00', '11:00')])).toEqual({ add: [], move: [], delete: [] });
  });

  test('missing breaks are added and surplus breaks are deleted', () => {
    expect(diffBreaks([], [pause('10:00', '11:00')])).toEqual({
      add: [pause('10:00', '11:00')],
      move: [],
      delete: [],
    });
    expect(diffBreaks(withIds(pause('10:00', '11:00')), [])).toEqual({ add: [], move: [], delete: ['b0'] });
  });

  test('a break at another time is moved instead of deleted and added', () => {
    expect(diffBreaks(withIds(pause('10:00', '11:00')), [pause('15:00', '16:00')])).toEqual({
      add: [],
      move: [{ id: 'b0', ...pause('15:00', '16:00') }],
      delete: [],
    });
  });

  test('an overlapping break is moved in preference to one that does not overlap', () => {
    const existing = withIds(pause('08:00', '08:30'), pause('10:00', '11:00'));
    expect(diffBreaks(existing, [pause('10:30', '11:30')])).toEqual({
      add: [],
      move: [{ id: 'b1', ...pause('10:30', '11:30') }],
      delete: ['b0'],
    });
  });

  test('one of two equal breaks is deleted', () => {
    expect(
      diffBreaks(withIds(pause('10:00', '11:00'), pause('10:00', '11:00')), [pause('10:00', '11:00')]).delete,
    ).toHaveLength(1);
  });

  test('the minimal number of requests results in the wanted breaks', () => {
    const pauses = fc.array(
      fc
        .record({ since: fc.integer({ min: 0, max: 12 }), length: fc.integer({ min: 1, max: 4 }) })
        .map(({ since, length }) => ({
          since: new Date(NINE + since * 5 * MINUTE).toISOString(),
          till: new Date(NINE + (since + length) * 5 * MINUTE).toISOString(),
        })),
      { maxLength: 8 },
    );
    const key = ({ since, till }: CalendarBreak) => `${since} ${till}`;
    fc.assert(
      fc.property(pauses, pauses, (old, wanted) => {
        const changes = diffBreaks(withIds(...old), wanted);
        const now = new Map(withIds(...old).map((one) => [one.id, one]));
        for (const id of changes.delete) expect(now.delete(id)).toBe(true);
        for (const one of changes.move) {
          expect(key(now.get(one.id) ?? one)).not.toBe(key(one));
          now.set(one.id, one);
        }
        expect([...now.values(), ...changes.add].map(key).sort()).toEqual(wanted.map(key).sort());

        const left = [...wanted];
        const unchanged = old.filter((one) => {
          const place = left.findIndex((other) => key(other) === key(one));
          if (place >= 0) left.splice(place, 1);
          return place >= 0;
        }).length;
        const requests = changes.add.length + changes.move.length + changes.delete.length;
        expect(requests).toBe(Math.max(old.length, wanted.length) - unchanged);
      }),
      { numRuns: sampleOf(1_000) },
    );
  });

  test.each<readonly [path: string, existing: unknown, wanted: unknown]>([
    ['existing', {}, []],
    ['existing[0].since', [{ id: '1', since: 'x', till: at('10:00Z') }], []],
    ['wanted[0].till', [], [pause('11:00', '10:00')]],
  ])('diffBreaks throws an error at %s', (path, existing, wanted) => {
    expect(() => diffBreaks(existing as never, wanted as never)).toThrow(expect.objectContaining({ path }));
  });
});
