/** The explanation of every quarter of an hour of random calendars, against what a patient can choose in the sandbox. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addDays, startOfDate, toIso } from '../../src/core/index.js';
import { PULL_SETTINGS, pullAll } from '../notifications/pull-options.js';
import { addressOf, ClinicFixture, ZONE } from '../support/clinic-fixture.js';
import { sampleOf } from '../support/long.js';

const RUNS = sampleOf(40);
const MINUTE = 60_000;
const DURATIONS = { a: 20, b: 30, c: 45 };
const SERVICES = ['a', 'b', 'c'] as const;

/** Minutes of the day. */
const span = (longest: number) =>
  fc
    .tuple(fc.integer({ min: 8 * 60, max: 18 * 60 }), fc.integer({ min: 5, max: longest }))
    .map(([from, length]) => ({ from, to: from + length }));
const roundSpan = (longest: number) =>
  span(longest).map(({ from, to }) => ({
    from: from - (from % 5),
    to: Math.min(to - (to % 5) + 5, 24 * 60),
  }));

const calendars = fc.record({
  strategy: fc.constantFrom('slots' as const, 'breaks' as const, 'book' as const),
  cutting: fc.constantFrom('duration' as const, 'divisor' as const),
  bufferBefore: fc.constantFrom(0, 0, 5, 10),
  bufferAfter: fc.constantFrom(0, 0, 5, 15),
  grid: fc.constantFrom(undefined, undefined, 15, 20),
  windows: fc.array(
    fc.record({
      span: roundSpan(400),
      services: fc.uniqueArray(fc.constantFrom(...SERVICES), { minLength: 1, maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  appointments: fc.array(fc.oneof(roundSpan(90), span(90)), { maxLength: 6 }),
  breaks: fc.array(roundSpan(60), { maxLength: 2 }),
  /** Which of the starts a patient books. */
  books: fc.array(fc.nat(), { maxLength: 2 }),
  service: fc.constantFrom(undefined, ...SERVICES),
});

test('agrees with what a patient can choose, once all is in sync', async () => {
  const fixture = await ClinicFixture.open({ still: true, notifications: PULL_SETTINGS });
  const { engine, sandbox, date } = fixture;
  const day = { from: startOfDate(date, ZONE), to: startOfDate(addDays(date, 1), ZONE) };
  const at = (minute: number): string => toIso(day.from + minute * MINUTE, ZONE);
  let onOffer = 0;
  let n = 0;
  await fc.assert(
    fc.asyncProperty(
      calendars,
      async ({ strategy, cutting, windows, appointments, breaks, books, ...rest }) => {
        n += 1;
        const id = `calendar-${n}`;
        const { bufferBefore, bufferAfter, grid, service } = rest;
        const address = addressOf(id);
        sandbox.setCutting(address, cutting);
        await engine.putCalendar({
          id,
          account: 'many',
          ...address,
          strategy,
          bufferBefore,
          bufferAfter,
          grid,
        });
        await fixture.send(
          ...appointments.map(({ from, to }, i) => ({
            type: 'occupied' as const,
            calendar: id,
            ref: `apt-${i}`,
            start: at(from),
            end: at(to),
          })),
          {
            type: 'available' as const,
            calendar: id,
            from: date,
            to: date,
            windows: windows.map(({ span: { from, to }, services }) => ({
              start: at(from),
              end: at(to),
              services: services.map((one) => ({ id: one, duration: DURATIONS[one] })),
            })),
          },
        );
        await fixture.untilAtRest();
        const choices = () => sandbox.patientView(address, day.from, day.to);
        for (const which of books) {
          const all = choices();
          const { start, services } = all[which % Math.max(1, all.length)] ?? {};
          if (start !== undefined) sandbox.book(address, { start, serviceId: services?.[0] ?? '' });
        }
        for (const { from, to } of breaks) sandbox.addBreak(address, { since: at(from), till: at(to) });
        if (books.length + breaks.length > 0) await pullAll(fixture);

        const shown = new Map(choices().map(({ start, services }) => [Date.parse(start), services]));
        const quarters = Array.from({ length: 24 * 4 }, (_, i) => day.from + i * 15 * MINUTE);
        for (const ms of new Set([...quarters, ...shown.keys()])) {
          const services = shown.get(ms) ?? [];
          const isShown = service === undefined ? services.length > 0 : services.includes(service);
          const explanation = await engine.explain(id, ms, { service });
          const start = toIso(ms, ZONE);
          expect(explanation).toMatchObject({
            at: start,
            wanted: isShown,
            published: isShown,
            shown: isShown,
            state: 'in-sync',
            next: 'the day is in sync: nothing follows until it changes',
          });
          const checks = explanation?.checks ?? [];
          expect([start, checks.every(({ ok }) => ok === true)]).toEqual([start, isShown]);
          onOffer += isShown ? 1 : 0;
          const by = checks.find(({ check, ok }) => check === 'busy' && ok === false)?.by;
          if (by !== undefined) {
            expect(Date.parse(by.start) <= ms && ms < Date.parse(by.end)).toBe(true);
          }
        }
      },
    ),
    { numRuns: RUNS },
  );
  expect(onOffer).toBeGreaterThan(0);
});
