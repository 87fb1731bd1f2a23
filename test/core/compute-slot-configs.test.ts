import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { type ComputeInput, computeSlotConfigs, type Instant, type Window } from '../../src/core/index.js';

const services = [{ id: '123', duration: 10 }];

/** On 2026-11-16 in Warsaw, with times of the day: `10:00-10:30 123` for each slot, `|` between dates. */
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

test('the founding example: half past ten is taken, and the day is published without it', () => {
  const read = (name: string) =>
    JSON.parse(readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8'));
  expect(computeSlotConfigs(read('founding-example.json'))).toEqual(read('founding-example.expected.json'));
});

describe('windows', () => {
  test('that overlap or touch with equal services are one', () => {
    expect(slots({ windows: [open('11:00', '12:00'), open('09:00', '10:00'), open('09:30', '11:00')] })).toBe(
      '09:00-12:00 123',
    );
  });

  test('that overlap with different services are cut where the services change', () => {
    const windows = [open('09:00', '11:00', ['b', 10]), open('10:00', '12:00', ['a', 20])];
    expect(slots({ windows })).toBe('09:00-10:00 b, 10:00-11:00 a+b, 11:00-12:00 a');
  });

  test('that are shorter than a visit of another service cut it: no visit reaches over the border of two slots', () => {
    const windows = [open('09:00', '12:00', ['a', 60]), open('09:30', '10:00', ['b', 30])];
    expect(slots({ windows })).toBe('09:30-10:00 b, 10:00-12:00 a');
  });

  test('that list what is listed already cut nothing', () => {
    const windows = [open('09:00', '12:00', ['a', 10], ['b', 10]), open('10:00', '11:00', ['b', 10])];
    expect(slots({ windows })).toBe('09:00-12:00 a+b');
  });

  test('that touch with other durations stay apart', () => {
    expect(slots({ windows: [open('09:00', '10:00', ['a', 10]), open('10:00', '11:00', ['a', 15])] })).toBe(
      '09:00-10:00 a, 10:00-11:00 a',
    );
  });

  test('over midnight belong to both dates, the first up to 23:59', () => {
    expect(slots({ windows: [open('22:00', '2026-11-17T02:00')] })).toBe('22:00-23:59 123 | 00:00-02:00 123');
  });

  test('that end at midnight touch only their own date', () => {
    expect(slots({ windows: [open('22:00', '2026-11-17T00:00')] })).toBe('22:00-23:59 123');
  });

  test('may be of weeks, and are cut at each midnight', () => {
    const windows = [open('2026-11-16T12:00', '2026-11-19T12:00')];
    expect(slots({ windows })).toBe('12:00-23:59 123 | 00:00-23:59 123 | 00:00-23:59 123 | 00:00-12:00 123');
  });
});

describe('busy time', () => {
  test('may overlap, touch, nest, lie outside and be in any order', () => {
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

  test('that covers a window leaves a date without slots', () => {
    expect(
      computeSlotConfigs({
        timeZone: 'UTC',
        windows: [open('09:00', '12:00')],
        busy: [span('09:00', '12:00')],
      }),
    ).toEqual([{ date: '2026-11-16', slots: [] }]);
  });

  test('is widened by the buffers, also into the next date', () => {
    const windows = [open('22:00', '2026-11-17T02:00')];
    const busy = [span('23:00', '23:50')];
    expect(slots({ windows, busy, bufferBefore: 15, bufferAfter: 30 })).toBe(
      '22:00-22:45 123 | 00:20-02:00 123',
    );
  });

  test('may be left out altogether', () => {
    expect(computeSlotConfigs({ timeZone: 'UTC', windows: [open('09:00', '09:10')] })).toHaveLength(1);
  });
});

describe('a run', () => {
  test('is rounded inwards to whole minutes', () => {
    const windows = [open('09:00:10', '09:30:50')];
    expect(slots({ windows, busy: [span('09:10:20', '09:10:40')] })).toBe('09:11-09:30 123');
    const minute = [{ ...span('09:00:10', '09:30:50'), services: [{ id: '1', duration: 9 }] }];
    expect(slots({ windows: minute, busy: [span('09:10:20', '09:10:40')] })).toBe(
      '09:01-09:10 1, 09:11-09:30 1',
    );
  });

  test('begins on the grid, by the wall clock', () => {
    const windows = [open('09:01', '10:00')];
    expect(slots({ windows, grid: 15 })).toBe('09:15-10:00 123');
    expect(slots({ windows, grid: 45 })).toBe('09:45-10:00 123');
    expect(slots({ windows, grid: 7 })).toBe('09:06-10:00 123');
    expect(slots({ windows, grid: 1440 })).toBe('');
  });

  test('in Kathmandu begins on the local grid, not on that of UTC', () => {
    expect(slots({ timeZone: 'Asia/Kathmandu', windows: [open('09:01', '11:00')], grid: 60 })).toBe(
      '10:00-11:00 123',
    );
  });

  test('leaves out the services that do not fit, and is left out when none does', () => {
    const windows = [open('09:00', '10:00', ['a', 10], ['b', 20], ['c', 60])];
    expect(slots({ windows, busy: [span('09:20', '09:45'), span('09:50', '09:55')] })).toBe(
      '09:00-09:20 a+b',
    );
  });

  test('is not joined to another after services were left out', () => {
    const windows = [open('09:00', '09:15', ['a', 10], ['b', 20]), open('09:15', '10:00', ['a', 10])];
    expect(slots({ windows })).toBe('09:00-09:15 a, 09:15-10:00 a');
  });

  test('fits a service exactly, and not by a minute less', () => {
    expect(slots({ windows: [open('09:00', '09:10')] })).toBe('09:00-09:10 123');
    expect(slots({ windows: [open('09:00', '09:09')] })).toBe('');
    expect(slots({ windows: [open('23:50', '2026-11-17T00:00')] })).toBe('');
    expect(slots({ windows: [open('23:49', '2026-11-17T00:00')] })).toBe('23:49-23:59 123');
  });

  test('lists its services in the order of their ids, each once', () => {
    const windows = [open('09:00', '10:00', ['b', 5], ['10', 5], ['9', 5], ['b', 5])];
    expect(slots({ windows })).toBe('09:00-10:00 10+9+b');
  });
});

describe('notBefore and notAfter', () => {
  const windows = [open('09:00', '12:00')];

  test('cut what is offered', () => {
    expect(slots({ windows, notBefore: at('09:20'), notAfter: new Date('2026-11-16T10:30:00Z') })).toBe(
      '09:20-11:30 123',
    );
  });

  test('leave nothing where they exclude each other', () => {
    expect(slots({ windows, notBefore: at('11:00'), notAfter: at('10:00') })).toBe('');
  });

  test('come before the grid', () => {
    expect(slots({ windows, notBefore: at('09:20'), grid: 30 })).toBe('09:30-12:00 123');
  });
});

describe('the range', () => {
  const windows = [open('09:00', '10:00'), open('2026-11-18T09:00', '2026-11-18T10:00')];

  test('is by default what the windows touch, with the dates in between', () => {
    expect(slots({ windows })).toBe('09:00-10:00 123 |  | 09:00-10:00 123');
  });

  test('has an entry for every date from first to last', () => {
    const days = computeSlotConfigs({
      timeZone: 'Europe/Warsaw',
      windows,
      from: '2026-11-15',
      to: '2026-11-17',
    });
    expect(days.map(({ date }) => date)).toEqual(['2026-11-15', '2026-11-16', '2026-11-17']);
    expect(days.map((day) => day.slots.length)).toEqual([0, 1, 0]);
  });

  test('may be half given', () => {
    expect(slots({ windows, from: '2026-11-17' })).toBe(' | 09:00-10:00 123');
    expect(slots({ windows, to: '2026-11-17' })).toBe('09:00-10:00 123 | ');
    expect(slots({ windows, from: '2026-12-01' })).toBe('');
  });

  test('is empty where there is neither a window nor a date', () => {
    expect(computeSlotConfigs({ timeZone: 'UTC', windows: [], busy: [] })).toEqual([]);
    expect(computeSlotConfigs({ timeZone: 'UTC', windows: [], from: '2026-11-16' })).toEqual([]);
  });

  test('has 366 dates at most', () => {
    expect(
      computeSlotConfigs({ timeZone: 'UTC', windows: [], from: '2028-01-01', to: '2028-12-31' }),
    ).toHaveLength(366);
  });
});

describe('insurance terms', () => {
  const insured = { accepted: 'with-insurance-only', providers: ['5', '3', '5'], plans: ['1'] } as const;

  test('go into the slot, ids in order', () => {
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

  test('that were not given are not in the slot', () => {
    const [day] = computeSlotConfigs({ timeZone: 'UTC', windows: [open('09:00', '10:00')] });
    expect(Object.keys(day?.slots[0] ?? {})).toEqual(['start', 'end', 'address_services']);
  });

  test('keep windows apart that touch, and join them where they are equal in any order', () => {
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
  ])('a whole day in %s, %s', (timeZone, date, next, expected) => {
    expect(whole(timeZone, date, next)).toEqual([`${date}: ${date}T${expected}`]);
  });

  test('a date that the zone skipped has no slots', () => {
    const windows = [{ start: '2011-12-29T20:00', end: '2011-12-31T02:00', services }];
    expect(slots({ timeZone: 'Pacific/Apia', windows })).toBe('20:00-23:59 123 |  | 00:00-02:00 123');
  });

  test('where the clock skips the end of a date, the date ends a minute before', () => {
    const windows = [{ start: '2026-03-28T20:00', end: '2026-03-29T02:00', services }];
    expect(slots({ timeZone: 'America/Scoresbysund', windows })).toBe('20:00-22:59 123 | 00:00-02:00 123');
  });

  test('the hour that comes twice is two hours long', () => {
    const windows = [
      { start: '2026-10-25T00:30:00Z', end: '2026-10-25T01:30:00Z', services: [{ id: '1', duration: 60 }] },
    ];
    expect(slots({ windows })).toBe('02:30-02:30 1');
  });

  test('a wall-clock time in a skipped hour moves forward, and one that comes twice is the first', () => {
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

describe('instants', () => {
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
  ])('%s is read (%s)', (start) => {
    expect(slots({ windows: [{ start, end: '2026-11-16T24:00', services }] })).toBe('10:00-23:59 123');
  });

  test('a date alone is its midnight', () => {
    expect(slots({ windows: [{ start: '2026-11-16', end: '2026-11-17', services }] })).toBe(
      '00:00-23:59 123',
    );
  });
});
