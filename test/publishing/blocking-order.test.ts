// In which order breaks go elsewhere, as a patient sees it: what is taken a moment before is not hidden yet, and what is freed
// beside it would show visits that reach into it.
import { expect, test } from '@jest/globals';
import { addressOf, ClinicFixture } from '../support/clinic-fixture.js';

test.each([
  ['breaks', 'when every answer comes', undefined],
  ['book', 'when every answer comes', undefined],
  ['book', 'when the answer to its move is lost', { kind: 'cut', when: 'after' }],
] as const)(
  'with %s, a break leaves no start on sale that overlaps an appointment still to be blocked, %s',
  async (strategy, _, fault) => {
    const fixture = await ClinicFixture.open({ still: true, strategy });
    const [today, tomorrow] = [fixture.date, fixture.dateAfter(1)];
    for (const date of [today, tomorrow]) await fixture.open('nowak', date);
    // It begins at no start, so a break hides it with either strategy.
    await fixture.book('gone', '10:05', '10:25', 'nowak', tomorrow);
    await fixture.untilAtRest();
    expect(fixture.shown('nowak', tomorrow)).toEqual(['10:40']);

    const seen = new Set<string>();
    fixture.sandbox.on('request', ({ operation, applied }) => {
      if (applied) for (const time of fixture.shown('nowak', tomorrow)) seen.add(`${operation} ${time}`);
    });
    if (fault !== undefined) {
      fixture.sandbox.faults.set([{ fault, match: { operation: 'moveCalendarBreak' }, times: 1 }]);
    }
    const on = (date: string, from: string, to: string) => ({
      calendar: 'nowak',
      start: `${date}T${from}:00`,
      end: `${date}T${to}:00`,
    });
    await fixture.send(
      { type: 'released', calendar: 'nowak', ref: 'gone' },
      { type: 'occupied', ref: 'sooner', ...on(today, '10:05', '10:25') },
      { type: 'occupied', ref: 'beside', ...on(tomorrow, '10:30', '10:40') },
    );
    await fixture.untilAtRest();
    expect([...seen].filter((one) => one.endsWith('10:20'))).toEqual([]);
    expect(fixture.shown('nowak', today)).toEqual(['10:40']);
    expect(fixture.shown('nowak', tomorrow)).toEqual(['10:00', '10:40']);
    expect(fixture.sandbox.breaks(addressOf('nowak'))).toHaveLength(2);
  },
);

test.each([
  ['breaks', '10:05', '10:25', 'deleteCalendarBreak'],
  ['book', '10:00', '10:20', 'cancelBooking'],
  ['slots', '10:00', '10:20', 'replaceSlots'],
] as const)(
  'with %s, time that becomes busy while the token is requested is not opened',
  async (strategy, from, to, operation) => {
    const fixture = await ClinicFixture.open({ still: true, strategy });
    await fixture.open();
    await fixture.untilAtRest();
    await fixture.book('gone', from, to);
    await fixture.untilAtRest();
    const hidden = fixture.shown();
    const seen = new Set<string>();
    fixture.sandbox.on('request', (request) => {
      if (request.applied) for (const time of fixture.shown()) seen.add(time);
      if (request.operation !== operation || request.status !== 401) return;
      void fixture.book('instead', from, to).then(() => fixture.sandbox.faults.clear());
    });
    // The request finds its token revoked, and waits for another one until the time is taken again.
    fixture.sandbox.faults.set([
      { fault: { kind: 'latency', ms: 600_000 }, match: { operation: 'token' } },
      { fault: { kind: 'status', status: 401 }, match: { operation }, times: 1 },
    ]);
    await fixture.free('gone');
    await fixture.untilAtRest();
    expect([...seen].filter((time) => !hidden.includes(time))).toEqual([]);
    expect(fixture.shown()).toEqual(hidden);
    // What was not sent after all does not count.
    const { count } = await fixture.engine.db
      .selectFrom('slotkeeper.requests')
      .select(({ fn }) => fn.countAll<string>().as('count'))
      .where('write', '=', true)
      .executeTakeFirstOrThrow();
    const sent = fixture.sandbox.requests.filter(
      ({ method, operation: one }) => method !== 'GET' && one !== 'token',
    );
    expect(Number(count)).toBe(sent.length);
  },
);
