import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { computeSlotConfigs, InvalidScheduleError } from '../../src/core/index.js';
import { sampleOf } from '../support/long.js';
import { clockChanges } from './cases.js';

type Json = Record<string, unknown>;

const service = { id: '123', duration: 10 };
const window = { start: '2026-11-16T10:00', end: '2026-11-16T12:00', services: [service] };
const valid = {
  timeZone: 'Europe/Warsaw',
  windows: [window],
  busy: [{ start: '2026-11-16T10:30', end: '2026-11-16T10:40' }],
};

/** Accepts any input, as a call from JavaScript does. */
const compute: (input: never) => unknown = computeSlotConfigs;

/** Returns the path of the error, or 'fine'. Any other exception fails the test. */
function pathOf(input: unknown): string {
  try {
    compute(input as never);
    return 'fine';
  } catch (error) {
    if (!(error instanceof InvalidScheduleError)) throw error;
    return error.message === `${error.path} ${error.reason}` && error.reason !== ''
      ? error.path
      : 'no reason';
  }
}

const withWindow = (change: Json) => ({ ...valid, windows: [window, { ...window, ...change }] });
const withService = (change: Json) => withWindow({ services: [service, { ...service, id: '7', ...change }] });
const withInsurance = (insurance: unknown) => ({ ...valid, windows: [{ ...window, insurance }] });

test('the unmodified inputs of these cases are valid', () => {
  expect(pathOf(valid)).toBe('fine');
  expect(pathOf(withWindow({}))).toBe('fine');
  expect(pathOf(withService({}))).toBe('fine');
});

test.each<readonly [path: string, input: unknown]>([
  ['input', undefined],
  ['input', null],
  ['input', 'Europe/Warsaw'],
  ['timeZone', {}],
  ['timeZone', { ...valid, timeZone: 'Europe/Warschau' }],
  ['timeZone', { ...valid, timeZone: 'local' }],
  ['timeZone', { ...valid, timeZone: '' }],
  ['timeZone', { ...valid, timeZone: '+02:00' }],
  ['timeZone', { ...valid, timeZone: 'UTC+99' }],
  ['timeZone', { ...valid, timeZone: 2 }],
  ['windows', { ...valid, windows: undefined }],
  ['windows', { ...valid, windows: {} }],
  ['windows[1]', { ...valid, windows: [window, null] }],
  ['windows[1].start', withWindow({ start: undefined })],
  ['windows[1].start', withWindow({ start: 'soon' })],
  ['windows[1].start', withWindow({ start: '10:00' })],
  ['windows[1].start', withWindow({ start: '103000Z' })],
  ['windows[1].start', withWindow({ start: '2026-02-29T10:00' })],
  ['windows[1].start', withWindow({ start: '2026-11-16T25:00' })],
  ['windows[1].start', withWindow({ start: '2026-11-16T10:60' })],
  ['windows[1].start', withWindow({ start: '2026-11-16T10:00:60' })],
  ['windows[1].start', withWindow({ start: '2026-11-16T10:00+24:00' })],
  ['windows[1].start', withWindow({ start: '2026-11-16  10:00' })],
  ['windows[1].start', withWindow({ start: '2026-11-16_10:00' })],
  ['windows[1].start', withWindow({ start: 1_794_819_600 })],
  ['windows[1].start', withWindow({ start: '2026-11-16T10:00+1:00' })],
  ['windows[1].start', withWindow({ start: Number.NaN })],
  ['windows[1].start', withWindow({ start: -1 })],
  ['windows[1].start', withWindow({ start: 8.64e15 })],
  ['windows[1].start', withWindow({ start: new Date(Number.NaN) })],
  ['windows[1].start', withWindow({ start: 10n })],
  ['windows[1].end', withWindow({ end: {} })],
  ['windows[1].end', withWindow({ end: window.start })],
  ['windows[1].end', withWindow({ end: '2026-11-16T09:00' })],
  ['windows[1].services', withWindow({ services: undefined })],
  ['windows[1].services', withWindow({ services: [] })],
  ['windows[1].services', withWindow({ services: '123' })],
  ['windows[1].services[0]', withWindow({ services: ['123'] })],
  ['windows[1].services[1].id', withService({ id: '' })],
  ['windows[1].services[1].id', withService({ id: 1.5 })],
  ['windows[1].services[1].id', withService({ id: Number.NaN })],
  ['windows[1].services[1].id', withService({ id: 2 ** 53 })],
  ['windows[1].services[1].duration', withService({ duration: 0 })],
  ['windows[1].services[1].duration', withService({ duration: 7.5 })],
  ['windows[1].services[1].duration', withService({ duration: '10' })],
  ['windows[1].services[1].duration', withService({ duration: Number.POSITIVE_INFINITY })],
  ['windows[1].services[1].duration', withService({ id: '123', duration: 20 })],
  ['windows[1].services[0].duration', withWindow({ services: [{ ...service, duration: 20 }] })],
  ['windows[1].insurance', withWindow({ insurance: { accepted: 'without-insurance-only' } })],
  ['windows[0].insurance', withInsurance('all')],
  ['windows[0].insurance.accepted', withInsurance({ accepted: 'all' })],
  ['windows[0].insurance.providers', withInsurance({ accepted: 'with-insurance-only' })],
  ['windows[0].insurance.providers', withInsurance({ accepted: 'with-insurance-only', providers: [] })],
  ['windows[0].insurance.providers', withInsurance({ accepted: 'without-insurance-only', providers: ['1'] })],
  ['windows[0].insurance.plans', withInsurance({ accepted: 'without-insurance-only', plans: ['1'] })],
  [
    'windows[0].insurance.providers',
    withInsurance({ accepted: 'with-and-without-insurance', providers: '1' }),
  ],
  [
    'windows[0].insurance.providers[1]',
    withInsurance({ accepted: 'with-insurance-only', providers: ['1', 2] }),
  ],
  ['busy', { ...valid, busy: {} }],
  ['busy[0]', { ...valid, busy: [7] }],
  ['busy[0].start', { ...valid, busy: [{ end: 1 }] }],
  ['busy[1].end', { ...valid, busy: [...valid.busy, { start: 1e11, end: 1e11 }] }],
  ['from', { ...valid, from: '2026-11-31' }],
  ['from', { ...valid, from: new Date() }],
  ['to', { ...valid, to: '16.11.2026' }],
  ['to', { ...valid, from: '2026-11-17', to: '2026-11-16' }],
  ['to', { ...valid, from: '2026-01-01', to: '2027-01-02' }],
  ['from', { ...valid, from: '2020-01-01' }],
  ['windows', withWindow({ end: '2027-11-18T00:00' })],
  ['bufferBefore', { ...valid, bufferBefore: -1 }],
  ['bufferAfter', { ...valid, bufferAfter: '5' }],
  ['grid', { ...valid, grid: 0 }],
  ['grid', { ...valid, grid: 2.5 }],
  ['notBefore', { ...valid, notBefore: 'now' }],
  ['notAfter', { ...valid, notAfter: null }],
])('computeSlotConfigs throws an error at %s (case %#)', (path, input) => {
  expect(pathOf(input)).toBe(path);
});

test('busy time does not suppress the error of contradictory windows', () => {
  const other = { ...window, services: [{ ...service, duration: 20 }] };
  expect(
    pathOf({ ...valid, windows: [window, other], busy: [{ start: window.start, end: window.end }] }),
  ).toBe('windows[1].services[0].duration');
});

test('an error does not contain the invalid value', () => {
  const secret = 'Jan Kowalski';
  for (const input of [
    withWindow({ start: secret }),
    { ...valid, timeZone: secret },
    withService({ duration: secret }),
  ]) {
    expect(() => compute(input as never)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(secret) }),
    );
  }
});

describe('computeSlotConfigs returns a result or throws an InvalidScheduleError', () => {
  const odd = fc.oneof(
    fc.constantFrom<unknown>(
      undefined,
      null,
      true,
      '',
      0,
      -1,
      1.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.MAX_SAFE_INTEGER,
    ),
    fc.constantFrom<unknown>(
      [],
      {},
      [null],
      [[]],
      new Date(Number.NaN),
      new Date(8.64e15),
      1n,
      Symbol('s'),
      () => 1,
    ),
    fc.string(),
    fc.double(),
    fc.date(),
    fc.anything({ maxDepth: 2 }),
    fc.constantFrom(
      '2026-11-16T10:00',
      '2026-11-16',
      'UTC+2',
      '24:00',
      '2026-W01',
      '2026-11-16T24:00:00Z',
      '+002026-11-16',
    ),
    fc.date().map(String),
    fc.stringMatching(/^\d{4}-?\d\d-?\d\d(T\d\d:?\d\d(:?\d\d)?(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?)?$/),
  );

  const place = fc.constantFrom(
    ...['timeZone', 'windows', 'windows.0', 'windows.0.start', 'windows.0.end', 'windows.0.services'],
    ...[
      'windows.0.services.0',
      'windows.0.services.0.id',
      'windows.0.services.0.duration',
      'windows.0.insurance',
    ],
    ...['windows.0.insurance.accepted', 'windows.0.insurance.providers', 'windows.0.insurance.plans'],
    ...['busy', 'busy.0', 'busy.0.start', 'busy.0.end', 'from', 'to', 'bufferBefore', 'bufferAfter', 'grid'],
    ...['notBefore', 'notAfter'],
  );

  /** Returns a valid schedule with the value at `path` replaced. */
  function withValueAt(path: string, value: unknown): Json {
    const input: Json = {
      ...structuredClone(valid),
      windows: [
        {
          ...window,
          services: [{ ...service }],
          insurance: { accepted: 'with-insurance-only', providers: ['1'] },
        },
      ],
    };
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let target: Json = input;
    for (const key of keys) target = target[key] as Json;
    target[last] = value;
    return input;
  }

  const expectedPath = (path: string) => path.replace(/\.(\d)/g, '[$1]');

  test('the error of one invalid value contains its path', () => {
    fc.assert(
      fc.property(place, odd, (path, value) => {
        const found = pathOf(withValueAt(path, value));
        const at = expectedPath(path);
        // A valid value can still make an interval end before its start, make a range too long, or contradict other
        // terms. The error then contains the path of a neighbouring field.
        const near =
          /start|end|from|to|windows|busy|insurance/.test(path) &&
          found.startsWith(at.split(/[.[]/)[0] ?? '');
        const range = /^(from|to|windows)$/.test(found) && /^(from|to|windows)/.test(at);
        if (!(found === 'fine' || found.startsWith(at) || near || range)) expect(found).toBe(at);
      }),
      { numRuns: sampleOf(10_000) },
    );
  });

  test('several invalid values cause no other exception', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(place, odd), { minLength: 2, maxLength: 5 }), (changes) => {
        const input = withValueAt('from', undefined);
        for (const [path, value] of changes.sort(([a], [b]) => b.length - a.length)) {
          const keys = path.split('.');
          const last = keys.pop() ?? '';
          let target: unknown = input;
          for (const key of keys) target = (target as Json)[key];
          if (typeof target === 'object' && target !== null) (target as Json)[last] = value;
        }
        pathOf(input);
      }),
      { numRuns: sampleOf(10_000) },
    );
  });

  test('arbitrary input causes no other exception', () => {
    fc.assert(
      fc.property(fc.anything(), (input) => {
        pathOf(input);
      }),
      { numRuns: sampleOf(10_000) },
    );
  });

  test('instants and ranges at the limits of the supported years do not hang', () => {
    const ends = [
      new Date(0),
      new Date(1),
      253_402_214_400_000,
      '9999-12-30T23:59:59.999Z',
      '1970-01-01T00:00Z',
    ];
    for (const [timeZone] of clockChanges) {
      for (const start of ends) {
        for (const end of ends) {
          for (const from of ['1000-01-01', '1970-01-01', '9999-12-31']) {
            const input = { timeZone, windows: [{ start, end, services: [service] }], from, to: from };
            expect(pathOf(input)).toMatch(/^(fine|windows\[0\]\.end)$/);
          }
        }
      }
    }
  });
});
