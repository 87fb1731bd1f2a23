// With `book`, what a break hides because it is not booked is in the log: once, when it becomes so.
import { Writable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import type { Strategy } from '../../src/db/schema.js';
import { addressOf, ClinicFixture } from '../support/clinic-fixture.js';

const HIDES = 'an appointment cannot be booked at its time; a break blocks it';
const REFUSED = 'an appointment was not booked as a slot; it is blocked by other means';

interface LogLine {
  readonly fixture: ClinicFixture;
  /** Times of the lines about appointments that a break hides. */
  hidden(): readonly string[];
  lines(message: string): readonly Readonly<Record<string, unknown>>[];
  readonly log: readonly string[];
}

/** A window from 10:00 to 12:00. */
async function opened(strategy: Strategy = 'book'): Promise<LogLine> {
  const log: string[] = [];
  const stream = new Writable({
    write: (chunk, _, done) => {
      log.push(String(chunk));
      done();
    },
  });
  const fixture = await ClinicFixture.open({
    still: true,
    strategy,
    log: pino({ level: 'info', base: null }, stream),
  });
  await fixture.open('nowak', fixture.date, { from: '10:00', to: '12:00' });
  await fixture.untilAtRest();
  const lines = (message: string) =>
    log
      .map((line): Record<string, unknown> => JSON.parse(line))
      .filter(({ level, msg, calendar }) => level === 30 && msg === message && calendar === 'nowak');
  const time = (iso: unknown) => String(iso).slice(11, 16);
  return {
    fixture,
    log,
    lines,
    hidden: () => lines(HIDES).map(({ start, end }) => `${time(start)}-${time(end)}`),
  };
}

const breaks = (fixture: ClinicFixture) =>
  fixture.sandbox
    .breaks(addressOf('nowak'))
    .map(({ since, till }) => `${since.slice(11, 16)}-${till.slice(11, 16)}`);

test('a break that is made for it: once, whatever else changes on that day', async () => {
  const { fixture, hidden } = await opened();
  await fixture.book('apt-1', '10:10', '10:30');
  await fixture.untilAtRest();
  await fixture.book('apt-2', '11:00', '11:20');
  await fixture.untilAtRest();
  await fixture.free('apt-2');
  await fixture.untilAtRest();
  expect(hidden()).toEqual(['10:10-10:30']);
});

test('a break that becomes longer for it', async () => {
  const { fixture, hidden } = await opened();
  await fixture.book('apt-1', '10:10', '10:30');
  await fixture.untilAtRest();
  await fixture.book('apt-2', '10:30', '10:50');
  await fixture.untilAtRest();
  expect(breaks(fixture)).toEqual(['10:10-10:50']);
  expect(hidden()).toEqual(['10:10-10:30', '10:30-10:50']);
});

test('a break that takes the place of two, and the one between them', async () => {
  const { fixture, hidden } = await opened();
  await fixture.book('apt-1', '10:10', '10:30');
  await fixture.book('apt-3', '10:50', '11:10');
  await fixture.untilAtRest();
  await fixture.book('apt-2', '10:30', '10:50');
  await fixture.untilAtRest();
  expect(breaks(fixture)).toEqual(['10:10-11:10']);
  expect(hidden().toSorted()).toEqual(['10:10-10:30', '10:30-10:50', '10:50-11:10']);
});

test('not of an appointment within a break that is there already', async () => {
  const { fixture, hidden } = await opened();
  await fixture.book('apt-1', '10:10', '10:50');
  await fixture.untilAtRest();
  await fixture.book('apt-2', '10:20', '10:40');
  await fixture.untilAtRest();
  expect(breaks(fixture)).toEqual(['10:10-10:50']);
  expect(hidden()).toEqual(['10:10-10:50']);
});

test('what the marketplace refuses to book, with its reason', async () => {
  const { fixture, hidden, lines } = await opened();
  const fault = { kind: 'status', status: 409, message: 'no such slot' } as const;
  fixture.sandbox.faults.set([{ fault, match: { operation: 'bookSlot' } }]);
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.untilAtRest();
  expect(lines(REFUSED)).toMatchObject([
    { start: fixture.at('10:20'), reason: expect.stringContaining('no such slot') },
  ]);
  expect(hidden()).toEqual(['10:20-10:40']);
});

describe('the answer to a request that hides it', () => {
  test.each([
    ['is a 409, because it is there', { kind: 'status', status: 409, applied: true }, 1],
    ['is a 409, and it is not there', { kind: 'status', status: 409 }, 1],
    ['is lost', { kind: 'cut', when: 'after' }, 1],
    ['is that the marketplace is away, several times', { kind: 'status', status: 503 }, 2],
  ] as const)('%s', async (_, fault, times) => {
    const { fixture, hidden } = await opened();
    fixture.sandbox.faults.set([{ fault, match: { operation: 'addCalendarBreak' }, times }]);
    await fixture.book('apt-1', '10:10', '10:30');
    await fixture.untilAtRest();
    expect(breaks(fixture)).toEqual(['10:10-10:30']);
    expect(hidden()).toEqual(['10:10-10:30']);
  });

  test('is lost, and it moved a break', async () => {
    const { fixture, hidden } = await opened();
    await fixture.book('apt-1', '10:10', '10:30');
    await fixture.untilAtRest();
    const match = { operation: 'moveCalendarBreak' };
    fixture.sandbox.faults.set([{ fault: { kind: 'cut', when: 'after' }, match, times: 1 }]);
    await fixture.book('apt-1', '11:10', '11:30');
    await fixture.untilAtRest();
    expect(breaks(fixture)).toEqual(['11:10-11:30']);
    expect(hidden()).toEqual(['10:10-10:30', '11:10-11:30']);
  });
});

test.each([
  ['slots', ['10:20-10:40']],
  ['breaks', []],
] as const)('after %s what was taken before is said where a break comes for it', async (from, said) => {
  const { fixture, hidden } = await opened(from);
  await fixture.book('apt-1', '10:20', '10:40');
  await fixture.untilAtRest();
  expect(hidden()).toEqual([]);
  await fixture.strategy('book');
  await fixture.untilAtRest();
  expect(breaks(fixture)).toEqual(['10:20-10:40']);
  expect(hidden()).toEqual(said);
});

test('nothing of the event but its times', async () => {
  const { fixture, hidden, log } = await opened();
  const times = { start: fixture.at('10:10'), end: fixture.at('10:30') };
  const about = { patient: { name: 'Kowalski' }, comment: 'Kowalski, blood test' };
  const ids = { id: 'came', calendar: 'nowak', ref: 'Kowalski-77' };
  const event = { ...ids, type: 'occupied' as const, ...times, ...about };
  expect(await fixture.engine.events([event])).toMatchObject({ rejected: [] });
  await fixture.untilAtRest();
  expect(hidden()).toEqual(['10:10-10:30']);
  expect(log.join('')).not.toMatch(/Kowalski|blood/);
});
