import { describe, expect, test } from '@jest/globals';
import { type ExplainInput, explainStart, InvalidScheduleError } from '../../src/core/index.js';

const schedule: Omit<ExplainInput, 'at'> = {
  timeZone: 'Europe/Warsaw',
  windows: [
    { start: '2026-11-16T10:00', end: '2026-11-16T11:00', services: [{ id: '123', duration: 10 }] },
    { start: '2026-11-16T12:00', end: '2026-11-16T13:00', services: [{ id: 45, duration: 40 }] },
  ],
  busy: [
    { start: '2026-11-16T10:30', end: '2026-11-16T10:40' },
    { start: '2026-11-16T12:30', end: '2026-11-16T12:40' },
  ],
};

/** The explanation of a time of the day: whether it is wanted, and the first check that fails. */
function explained(time: string, more: Partial<ExplainInput> = {}) {
  const { wanted, checks } = explainStart({ ...schedule, at: `2026-11-16T${time}`, ...more });
  const { ok, ...failed } = checks.find((one) => one.ok === false) ?? { ok: true };
  return { wanted, ...failed };
}

describe('a start', () => {
  test('is wanted with all checks ok, and names its services', () => {
    const { wanted, services, checks } = explainStart({ ...schedule, at: '2026-11-16T10:20' });
    expect({ wanted, services }).toEqual({ wanted: true, services: ['123'] });
    expect(checks).toEqual([
      { check: 'window', ok: true, detail: 'available from 10:00 to 11:00' },
      { check: 'service', ok: true, detail: 'the windows at this time offer 123' },
      { check: 'busy', ok: true, detail: 'no busy time covers this time' },
      { check: 'rules', ok: true, detail: 'no rule excludes this time' },
      { check: 'fits', ok: true, detail: 'an appointment can begin, for 123' },
    ]);
  });

  test('outside of all windows fails at the window, and nothing after it is checked', () => {
    const { checks } = explainStart({ ...schedule, at: '2026-11-16T11:30' });
    expect(checks.map(({ ok }) => ok)).toEqual([false, null, null, null, null]);
    expect(explained('11:30')).toEqual({
      wanted: false,
      check: 'window',
      detail: 'no window covers this time',
    });
  });

  test('of a service that the window does not offer fails at the service, with ids as numbers or text', () => {
    expect(explained('10:20', { service: 45 })).toEqual({
      wanted: false,
      check: 'service',
      detail: 'the windows at this time offer 123, and not 45',
    });
    expect(explained('10:20', { service: '123' })).toEqual({ wanted: true });
  });

  test('in busy time names the busy interval, and whether only its buffer covers it', () => {
    expect(explained('10:30')).toEqual({
      wanted: false,
      check: 'busy',
      detail: 'busy from 10:30 to 10:40',
      busy: { index: 0, isBuffer: false },
    });
    expect(explained('10:40', { bufferAfter: 5 })).toEqual({
      wanted: false,
      check: 'busy',
      detail: 'in the buffer of busy from 10:30 to 10:40',
      busy: { index: 0, isBuffer: true },
    });
  });

  test('outside of notBefore and notAfter fails at the rules', () => {
    expect(explained('10:10', { notBefore: '2026-11-16T10:15' })).toMatchObject({
      check: 'rules',
      detail: 'nothing is offered before 2026-11-16T10:15:00+01:00',
    });
    expect(explained('10:50', { notAfter: '2026-11-16T10:50' })).toMatchObject({
      check: 'rules',
      detail: 'nothing is offered after 2026-11-16T10:50:00+01:00',
    });
  });

  test('that does not fit says why, and which busy time follows', () => {
    expect(explained('10:25')).toEqual({
      wanted: false,
      check: 'fits',
      detail: 'the marketplace offers starts every 10 minutes from 10:00',
    });
    expect(explained('12:00')).toEqual({
      wanted: false,
      check: 'fits',
      detail: 'the free time around it is too short for any service',
    });
    const longer = [
      { start: '2026-11-16T10:00', end: '2026-11-16T11:00', services: [{ id: '7', duration: 15 }] },
    ];
    expect(
      explained('10:45', { windows: longer, busy: [{ start: '2026-11-16T10:50', end: '2026-11-16T11:00' }] }),
    ).toEqual({
      wanted: false,
      check: 'fits',
      detail: 'the free time from 10:00 to 10:50 ends before the appointment would',
      busy: { index: 0, isBuffer: false },
    });
  });

  test('of blocked time keeps the step of its window, and names the busy time that it would last into', () => {
    const blocking = { blocking: true, bufferBefore: 3 };
    expect(explained('10:40', blocking)).toEqual({ wanted: true });
    expect(explained('10:35', blocking)).toMatchObject({
      check: 'busy',
      busy: { index: 0, isBuffer: false },
    });
    expect(explained('10:28', blocking)).toMatchObject({ check: 'busy', busy: { index: 0, isBuffer: true } });
    expect(explained('10:20', blocking)).toEqual({
      wanted: false,
      check: 'fits',
      detail: 'the appointment would last into the buffer of busy from 10:30 to 10:40',
      busy: { index: 0, isBuffer: true },
    });
    expect(explained('12:00', { blocking: true })).toMatchObject({
      detail: 'the appointment would last into what is busy from 12:30 to 12:40',
      busy: { index: 1, isBuffer: false },
    });
    expect(explained('12:10', { blocking: true })).toMatchObject({
      detail: 'the marketplace offers starts every 40 minutes from 12:00',
    });
  });

  test('in a wrong input is refused with the path', () => {
    expect(() => explainStart({ ...schedule, at: 'noon' })).toThrow(
      expect.objectContaining({ name: 'InvalidScheduleError', path: 'at' }),
    );
    const busy = [{ start: '2026-11-16T10:40', end: '2026-11-16T10:30' }];
    for (const blocking of [false, true]) {
      expect(() => explainStart({ ...schedule, busy, blocking, at: '2026-11-16T10:20' })).toThrow(
        expect.objectContaining({ path: 'busy[0].end' }),
      );
    }
    expect(() => explainStart({ ...schedule, at: '2026-11-16T10:20', service: '' })).toThrow(
      InvalidScheduleError,
    );
  });
});
