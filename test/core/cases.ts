/** Random schedules for the properties, most of them around an instant at which some zone changes its clocks. */
import fc from 'fast-check';
import type { Instant, Insurance } from '../../src/core/index.js';
import type { OracleInput } from './oracle.js';
import { clock, moved, TICK } from './oracle.js';

/** A zone, and the instant of a clock change in it. */
export const clockChanges: readonly (readonly [timeZone: string, at: string, why: string])[] = [
  ['Europe/Warsaw', '2026-03-29T01:00Z', '23 hours'],
  ['Europe/Warsaw', '2026-10-25T01:00Z', '25 hours'],
  ['America/New_York', '2026-03-08T07:00Z', '23 hours'],
  ['America/New_York', '2026-11-01T06:00Z', '25 hours'],
  ['America/Santiago', '2026-09-06T04:00Z', 'a day without a midnight'],
  ['America/Santiago', '2026-04-05T03:00Z', 'an hour before midnight that comes twice'],
  ['Africa/Cairo', '2026-04-23T22:00Z', 'a day without a midnight'],
  ['Africa/Cairo', '2026-10-29T21:00Z', 'an hour before midnight that comes twice'],
  ['Australia/Lord_Howe', '2026-10-03T15:30Z', 'half an hour forward'],
  ['Australia/Lord_Howe', '2026-04-04T15:00Z', 'half an hour back'],
  ['America/Scoresbysund', '2026-03-29T01:00Z', 'the last hour of a day skipped'],
  ['America/Scoresbysund', '2026-10-25T01:00Z', 'midnight itself comes twice'],
  ['America/St_Johns', '2010-11-07T02:31Z', 'back over midnight, one minute after it'],
  ['America/St_Johns', '2010-03-14T03:31Z', 'forward one minute after midnight'],
  ['Antarctica/Troll', '2026-03-29T01:00Z', 'two hours forward'],
  ['Africa/Casablanca', '2026-02-15T02:00Z', 'back for Ramadan'],
  ['Pacific/Apia', '2011-12-30T10:00Z', 'a whole date skipped'],
  ['Asia/Pyongyang', '2018-05-04T15:00Z', 'half an hour forward at midnight, for good'],
];

/** Midnights without a change. */
const ordinary: readonly (readonly [timeZone: string, at: string])[] = [
  ['Europe/Warsaw', '2026-11-15T23:00Z'],
  ['America/Sao_Paulo', '2026-11-16T03:00Z'],
  ['Asia/Kathmandu', '2026-11-15T18:15Z'],
  ['Pacific/Kiritimati', '2026-12-31T10:00Z'],
  ['UTC', '2028-02-29T00:00Z'],
  ['UTC+2', '2026-11-15T22:00Z'],
  ['UTC-03:30', '2026-11-16T03:30Z'],
];

/** How instants are given to the core. */
export type Form = 'epoch ms' | 'Date' | 'local ISO' | 'UTC ISO';

export interface Case {
  readonly input: OracleInput;
  readonly form: Form;
  readonly range: 'given' | 'default';
}

const ticks = (min: number, max: number) => fc.integer({ min, max });

const span = (longest: number) => fc.record({ at: ticks(-180, 160), length: ticks(2, longest) });

const ids = ['7', '12', 'usg'] as const;
const duration = fc.constantFrom(1, 5, 7, 10, 15, 20, 45, 60);
const insurance = fc.constantFrom<Insurance | undefined>(
  undefined,
  undefined,
  undefined,
  { accepted: 'with-insurance-only', providers: ['3', '5'] },
  { accepted: 'without-insurance-only' },
);
/** One time in `times`, and else undefined. */
const seldom = <T>(times: number, value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });

const drawn = fc.record({
  place: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...clockChanges) },
    { weight: 1, arbitrary: fc.constantFrom(...ordinary) },
  ),
  durations: fc.tuple(duration, duration, duration),
  insurance,
  windows: fc.array(
    fc.record({
      span: span(160),
      services: fc.subarray([0, 1, 2] as const, { minLength: 1 }),
      otherDuration: seldom(40, duration),
      otherInsurance: seldom(40, insurance),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  busy: fc.array(span(40), { maxLength: 6 }),
  bufferBefore: fc.constantFrom(0, 0, 5, 13),
  bufferAfter: fc.constantFrom(0, 0, 10, 1),
  grid: fc.constantFrom(undefined, undefined, 1, 5, 7, 15, 30, 45, 60, 120),
  notBefore: seldom(5, ticks(-180, 60)),
  notAfter: seldom(5, ticks(-60, 300)),
  from: fc.integer({ min: -1, max: 1 }),
  days: fc.integer({ min: 0, max: 3 }),
  range: fc.constantFrom('given', 'default', 'default'),
  halves: fc.constantFrom(true, false, false, false),
  form: fc.constantFrom<Form>('epoch ms', 'Date', 'local ISO', 'UTC ISO'),
});

export const cases: fc.Arbitrary<Case> = drawn.map((d): Case => {
  const [timeZone, at] = d.place;
  const middle = Date.parse(at);
  const unit = d.halves ? 1 : 2;
  const instant = (tick: number) => middle + Math.round(tick / unit) * unit * TICK;
  const interval = ({ at, length }: { at: number; length: number }) => ({
    start: instant(at),
    end: Math.max(instant(at + length), instant(at) + unit * TICK),
  });
  const windows = d.windows.map((window) => ({
    ...interval(window.span),
    services: window.services.map((n) => ({ id: ids[n], duration: window.otherDuration ?? d.durations[n] })),
    insurance: window.otherInsurance ?? d.insurance,
  }));
  const dateOf = (ms: number) => clock(ms, timeZone).date;
  const from = moved(dateOf(middle), d.from);
  const touched = windows.flatMap(({ start, end }) => {
    const dates = new Set<string>();
    for (let ms = start; ms < end; ms += TICK) dates.add(dateOf(ms));
    return [...dates];
  });
  touched.sort();
  const range =
    d.range === 'given'
      ? { from, to: moved(from, d.days) }
      : { from: touched[0] ?? from, to: touched.at(-1) ?? from };
  return {
    input: {
      timeZone,
      windows,
      busy: d.busy.map(interval),
      ...range,
      bufferBefore: d.bufferBefore,
      bufferAfter: d.bufferAfter,
      grid: d.grid,
      notBefore: d.notBefore === undefined ? undefined : instant(d.notBefore),
      notAfter: d.notAfter === undefined ? undefined : instant(d.notAfter),
    },
    form: d.form,
    range: d.range === 'given' ? 'given' : 'default',
  };
});

/** An instant in the form of a case. */
export function write(ms: number, form: Form, timeZone: string): Instant {
  if (form === 'epoch ms') return ms;
  if (form === 'Date') return new Date(ms);
  if (form === 'UTC ISO') return new Date(ms).toISOString();
  return clock(ms, timeZone).iso;
}
