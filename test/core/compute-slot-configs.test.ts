import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { type ComputeInput, computeSlotConfigs, type Instant, type Window } from '../../src/core/index.js';

const services = [{ id: '123', duration: 10 }];

/** Computes slots in Warsaw and formats each as `10:00-10:30 123`, with `|` between dates. */
function slots(input: Partial<ComputeInput>): string {
  const days = computeSlotConfigs({ timeZone: 'Europe/Warsaw', windows: [], busy: [], ...input });
  const texts = days.map((day) =>
    day.slots.map((slot) => {
      const ids = slot.address_services.map((service) => service.address_service_id);
      return `${slot.start.slice(11, 16)}-${slot.end.slice(11, 16)} ${ids.join('+')}`;
    }),
  );
  return texts.map((day) => day.join(', ')).join(' | ');
}

const at = (time: string) => (time.includes('T') ? time : `2026-11-16T${time}`);
const span = (start: string, end: string) => ({ start: at(start), end: at(end) });
const open = (start: string, end: string, ...list: (readonly [id: string, duration: number])[]): Window => ({
  ...span(start, end),
  services: list.length === 0 ? services : list.map(([id, duration]) => ({ id, duration })),
});

test('the slots of the founding example exclude the busy time at half past ten', () => {
  const read = (name: string) =>
    JSON.parse(readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8'));
  expect(computeSlotConfigs(read('founding-example.json'))).toEqual(read('founding-example.expected.json'));
});

describe('windows of computeSlotConfigs', () => {
  test('windows that overlap or touch with equal services are merged', () => {
    expect(slots({ windows: [open('11:00', '12:00'), open('09:00', '10:00'), open('09:30', '11:00')] })).toBe(
      '09:00-12:00 123',
    );
  });

  test('overlapping windows with different services are split where the services change', () => {
    const windows = [open('09:00', '11:00', ['b', 10]), open('10:00', '12:00', ['a', 20])];
    expect(slots({ windows })).toBe('09:00-10:00 b, 10:00-11:00 a+b, 11:00-12:00 a');
  });

  test('a window shorter than the appointment of another service splits the slot, and no appointment crosses the border', () => {
    const windows = [open('09:00', '12:00', ['a', 60]), open('09:30', '10:00', ['b', 30])];
    expect(slots({ windows })).toBe('09:30-10:00 b, 10:00-12:00 a');
  });

  test('a window with services that are already listed splits nothing', () => {
    const windows = [open('09:00', '12:00', ['a', 10], ['b', 10]), open('10:00', '11:00', ['b', 10])];
    expect(slots({ windows })).toBe('09:00-12:00 a+b');
  });

  test('windows that touch with different durations stay separate', () => {
    expect(slots({ windows: [open('09:00', '10:00', ['a', 10]), open('10:00', '11:00', ['a', 15])] })).toBe(
      '09:00-10:00 a, 10:00-11:00 a',
    );
  });

  test('a window over midnight belongs to both dates and ends at 23:59 on the first', () => {
    expect(slots({ windows: [open('22:00', '2026-11-17T02:00')] })).toBe('22:00-23:59 123 | 00:00-02:00 123');
  });

  test('a window that ends at midnight touches only its own date', () => {
    expect(slots({ windows: [open('22:00', '2026-11-17T00:00')] })).toBe('22:00-23:59 123');
  });

  test('a window of several weeks is split at each midnight', () => {
    const windows = [open('2026-11-16T12:00', '2026-11-19T12:00')];
    expect(slots({ windows })).toBe('12:00-23:59 123 | 00:00-23:59 123 | 00:00-23:59 123 | 00:00-12:00 123');
  });
});

describe('busy time of computeSlotConfigs', () => {
  test('busy intervals may overlap, touch, nest, lie outside windows and be in any order', () => {
    const busy = [
      span('11:30', '11:40'),
      span('09:50', '10:00'),
      span('06:00', '07:00'),
      span('10:00', '10:20'),
      span('10:05', '10:10'),
      span('10:15', '10:30'),
      span('11:50', '13:00'),
    ];
    expect(slots({ windows: [open('09:00', '12:00')], busy })).toBe(
      '09:00-09:50 123, 10:30-11:30 123, 11:40-11:50 123',
    );
  });

  test('a date has no slots if busy time covers its window', () => {
    expect(
      computeSlotConfigs({
        timeZone: 'UTC',
        windows: [open('09:00', '12:00')],
        busy: [span('09:00', '12:00')],
      }),
    ).toEqual([{ date: '2026-11-16', slots: [] }]);
  });

  test('busy time is widened by the buffers, also into the next date', () => {
    const windows = [open('22:00', '2026-11-17T02:00')];
    const busy = [span('23:00', '23:50')];
    expect(slots({ windows, busy, bufferBefore: 15, bufferAfter: 30 })).toBe(
      '22:00-22:45 123 | 00:20-02:00 123',
    );
  });

  test('busy time is optional', () => {
    expect(computeSlotConfigs({ timeZone: 'UTC', windows: [open('09:00', '09:10')] })).toHaveLength(1);
  });
});

describe('slots of computeSlotConfigs', () => {
  test('a slot is rounded inwards to whole minutes', () => {
    const windows = [open('09:00:10', '09:30:50')];
    expect(slots({ windows, busy: [span('09:10:20', '09:10:40')] })).toBe('09:11-09:30 123');
    const minute = [{ ...span('09:00:10', '09:30:50'), services: [{ id: '1', duration: 9 }] }];
    expect(slots({ windows: minute, busy: [span('09:10:20', '09:10:40')] })).toBe(
      '09:01-09:10 1, 09:11-09:30 1',
    );
  });

  test('a slot begins on the grid of the wall clock', () => {
    const windows = [open('09:01', '10:00')];
    expect(slots({ windows, grid: 15 })).toBe('09:15-10:00 123');
    expect(slots({ windows, grid: 45 })).toBe('09:45-10:00 123');
    expect(slots({ windows, grid: 7 })).toBe('09:06-10:00 123');
    expect(slots({ windows, grid: 1440 })).toBe('');
  });

  test('a slot in Kathmandu begins on the local grid, not on the grid of UTC', () => {
    expect(slots({ timeZone: 'Asia/Kathmandu', windows: [open('09:01', '11:00')], grid: 60 })).toBe(
      '10:00-11:00 123',
    );
  });

  test('a slot omits services that do not fit and is omitted if none fits', () => {
    const windows = [open('09:00', '10:00', ['a', 10], ['b', 20], ['c', 60])];
    expect(slots({ windows, busy: [span('09:20', '09:45'), span('09:50', '09:55')] })).toBe(
      '09:00-09:20 a+b',
    );
  });

  test('a slot is not merged with another after services are omitted', () => {
    const windows = [open('09:00', '09:15', ['a', 10], ['b', 20]), open('09:15', '10:00', ['a', 10])];
    expect(slots({ windows })).toBe('09:00-09:15 a, 09:15-10:00 a');
  });

  test('a slot of exactly the duration fits a service and a slot one minute shorter does not', () => {
    expect(slots({ windows: [open('09:00', '09:10')] })).toBe('09:00-09:10 123');
    expect(slots({ windows: [open('09:00', '09:09')] })).toBe('');
    expect(slots({ windows: [open('23:50', '2026-11-17T00:00')] })).toBe('');
    expect(slots({ windows: [open('23:49', '2026-11-17T00:00')] })).toBe('23:49-23:59 123');
  });

  test('a slot lists its services sorted by id and unique', () => {
    const windows = [open('09:00', '10:00', ['b', 5], ['10', 5], ['9', 5], ['b', 5])];
    expect(slots({ windows })).toBe('09:00-10:00 10+9+b');
  });
});

describe('notBefore and notAfter', () => {
  const windows = [open('09:00', '12:00')];

  test('notBefore and notAfter limit the slots', () => {
    expect(slots({ windows, notBefore: at('09:20'), notAfter: new Date('2026-11-16T10:30:00Z') })).toBe(
      '09:20-11:30 123',
    );
  });

  test('no slot remains if notBefore is after notAfter', () => {
    expect(slots({ windows, notBefore: at('11:00'), notAfter: at('10:00') })).toBe('');
  });

  test('notBefore is applied before the grid', () => {
    expect(slots({ windows, notBefore: at('09:20'), grid: 30 })).toBe('09:30-12:00 123');
  });
});

describe('range of computeSlotConfigs', () => {
  const windows = [open('09:00', '10:00'), open('2026-11-18T09:00', '2026-11-18T10:00')];

  test('the default range has the dates that the windows touch and the dates in between', () => {
    expect(slots({ windows })).toBe('09:00-10:00 123 |  | 09:00-10:00 123');
  });

  test('the range has an entry for every date from first to last', () => {
    const days = computeSlotConfigs({
      timeZone: 'Europe/Warsaw',
      windows,
      from: '2026-11-15',
      to: '2026-11-17',
    });
    expect(days.map(({ date }) => date)).toEqual(['2026-11-15', '2026-11-16', '2026-11-17']);
    expect(days.map((day) => day.slots.length)).toEqual([0, 1, 0]);
  });

  test('one bound of the range is sufficient', () => {
    expect(slots({ windows, from: '2026-11-17' })).toBe(' | 09:00-10:00 123');
    expect(slots({ windows, to: '2026-11-17' })).toBe('09:00-10:00 123 | ');
    expect(slots({ windows, from: '2026-12-01' })).toBe('');
  });

  test('the range is empty without windows and dates', () => {
    expect(computeSlotConfigs({ timeZone: 'UTC', windows: [], busy: [] })).toEqual([]);
    expect(computeSlotConfigs({ timeZone: 'UTC', windows: [], from: '2026-11-16' })).toEqual([]);
  });

  test('the range has at most 366 dates', () => {
    expect(
      computeSlotConfigs({ timeZone: 'UTC', windows: [], from: '2028-01-01', to: '2028-12-31' }),
    ).toHaveLength(366);
  });
});

describe('insurance terms', () => {
  const insured = { accepted: 'with-insurance-only', providers: ['5', '3', '5'], plans: ['1'] } as const;

  test('the slot contains the insurance terms with sorted ids', () => {
    const [day] = computeSlotConfigs({
      timeZone: 'UTC',
      windows: [{ ...open('09:00', '10:00'), insurance: insured }],
    });
    expect(day?.slots).toEqual([
      {
        start: '2026-11-16T09:00:00+00:00',
        end: '2026-11-16T10:00:00+00:00',
        address_services: [{ address_service_id: '123', duration: 10 }],
        insurance_accepted: 'with-insurance-only',
        insurance_providers: ['3', '5'],
        insurance_plans: ['1'],
      },
    ]);
  });

  test('the slot contains no insurance terms if none are given', () => {
    const [day] = computeSlotConfigs({ timeZone: 'UTC', windows: [open('09:00', '10:00')] });
    expect(Object.keys(day?.slots[0] ?? {})).toEqual(['start', 'end', 'address_services']);
  });

  test('windows that touch are separate with different terms and merged with equal terms in any order', () => {
    const other = { ...insured, providers: ['3'] };
    const same = { ...insured, providers: ['3', '5'] };
    const touching = (insurance: Window['insurance']) =>
      slots({
        windows: [
          { ...open('09:00', '10:00'), insurance: insured },
          { ...open('10:00', '11:00'), insurance },
        ],
      });
    expect(touching(other)).toBe('09:00-10:00 123, 10:00-11:00 123');
    expect(touching(undefined)).toBe('09:00-10:00 123, 10:00-11:00 123');
    expect(touching(same)).toBe('09:00-11:00 123');
  });
});

describe('civil time', () => {
  const whole = (timeZone: string, date: string, next: string) => {
    const input = { timeZone, windows: [{ start: `${date}T00:00`, end: `${next}T00:00`, services }] };
    return computeSlotConfigs(input).map(
      ({ date: on, slots: list }) => `${on}: ${list.map(({ start, end }) => `${start}/${end}`)}`,
    );
  };

  test.each([
    ['Europe/Warsaw', '2026-03-29', '2026-03-30', '00:00:00+01:00/2026-03-29T23:59:00+02:00'],
    ['Europe/Warsaw', '2026-10-25', '2026-10-26', '00:00:00+02:00/2026-10-25T23:59:00+01:00'],
    ['America/Santiago', '2026-09-06', '2026-09-07', '01:00:00-03:00/2026-09-06T23:59:00-03:00'],
    ['America/Santiago', '2026-04-04', '2026-04-05', '00:00:00-03:00/2026-04-04T23:59:00-04:00'],
    ['Africa/Cairo', '2026-04-24', '2026-04-25', '01:00:00+03:00/2026-04-24T23:59:00+03:00'],
    ['Australia/Lord_Howe', '2026-10-04', '2026-10-05', '00:00:00+10:30/2026-10-04T23:59:00+11:00'],
    ['UTC+2', '2026-10-25', '2026-10-26', '00:00:00+02:00/2026-10-25T23:59:00+02:00'],
    ['UTC', '2026-10-25', '2026-10-26', '00:00:00+00:00/2026-10-25T23:59:00+00:00'],
  ])('a whole day in %s, %s, has one slot', (timeZone, date, next, expected) => {
    expect(whole(timeZone, date, next)).toEqual([`${date}: ${date}T${expected}`]);
  });

  test('a date that the zone skipped has no slots', () => {
    const windows = [{ start: '2011-12-29T20:00', end: '2011-12-31T02:00', services }];
    expect(slots({ timeZone: 'Pacific/Apia', windows })).toBe('20:00-23:59 123 |  | 00:00-02:00 123');
  });

  test('the last slot ends one minute before a gap at the end of a date', () => {
    const windows = [{ start: '2026-03-28T20:00', end: '2026-03-29T02:00', services }];
    expect(slots({ timeZone: 'America/Scoresbysund', windows })).toBe('20:00-22:59 123 | 00:00-02:00 123');
  });

  test('a slot in a repeated hour has its real length', () => {
    const windows = [
      { start: '2026-10-25T00:30:00Z', end: '2026-10-25T01:30:00Z', services: [{ id: '1', duration: 60 }] },
    ];
    expect(slots({ windows })).toBe('02:30-02:30 1');
  });

  test('a wall-clock time in a skipped hour moves forward, and a repeated one is its first occurrence', () => {
    expect(slots({ windows: [{ start: '2026-03-29T02:30', end: '2026-03-29T04:00', services }] })).toBe(
      '03:30-04:00 123',
    );
    const [day] = computeSlotConfigs({
      timeZone: 'Europe/Warsaw',
      windows: [{ start: '2026-10-25T02:30', end: '2026-10-25T04:00', services }],
    });
    expect(day?.slots[0]?.start).toBe('2026-10-25T02:30:00+02:00');
  });
});

describe('instants of computeSlotConfigs', () => {
  test.each<readonly [Instant, string]>([
    ['2026-11-16T10:00', 'wall clock'],
    ['2026-11-16T10:00:00', 'wall clock with seconds'],
    ['2026-11-16T10:00:00.000', 'wall clock with a fraction'],
    ['2026-11-16T09:00Z', 'UTC'],
    ['2026-11-16T09:00:00.000Z', 'UTC with a fraction'],
    ['2026-11-16T10:00:00+01:00', 'an offset'],
    ['2026-11-16T10:00:00+0100', 'an offset without a colon'],
    ['2026-11-16T04:30:00-04:30', 'an offset west of Greenwich'],
    ['20261116T100000', 'the basic format'],
    ['2026-W47-1T10:00', 'a week date'],
    ['2026-320T10:00', 'an ordinal date'],
    ['2026-11-16T10:00:00.000000+01:00', 'microseconds'],
    ['2026-11-16T09:00:00,0Z', 'a decimal comma'],
    ['2026-11-16T10:00:00+01:00[Europe/Warsaw]', 'an offset and a zone'],
    [Date.parse('2026-11-16T09:00Z'), 'epoch milliseconds'],
    [new Date('2026-11-16T09:00Z'), 'a Date'],
  ])('%s is parsed (%s)', (start) => {
    expect(slots({ windows: [{ start, end: '2026-11-16T24:00', services }] })).toBe('10:00-23:59 123');
  });

  test('a date without a time is its midnight', () => {
    expect(slots({ windows: [{ start: '2026-11-16', end: '2026-11-17', services }] })).toBe(
      '00:00-23:59 123',
    );
  });
});
