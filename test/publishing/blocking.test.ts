// What the planner of breaks and placeholders must never do, whatever was there before, and what it must come to.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { computeSlotConfigs, type Slot, toIso } from '../../src/core/index.js';
import type { Strategy } from '../../src/db/schema.js';
import type { BusyTime } from '../../src/db/tables/busy-time.js';
import { planBlocking } from '../../src/publishing/blocking/plan-blocking.js';
import { requiredBlocksOf } from '../../src/publishing/blocking/required-blocks.js';
import { Market, MINUTE, overlap, type Span, spansOf, ticksOf } from './blocking-market.js';

const ZONE = 'Europe/Warsaw';
const DATES = ['2026-11-16', '2026-11-17'] as const;
const NINE = DATES.map((date) => Date.parse(`${date}T09:00:00+01:00`));
const HOURS = 3;
/** Far more than any of these worlds requiredBlocks. */
const MAX_STEPS = 80;

const SERVICES = [
  [{ id: 'visit', duration: 20 }],
  [{ id: 'check', duration: 10 }],
  [
    { id: 'visit', duration: 20 },
    { id: 'check', duration: 10 },
  ],
];

type Windows = readonly (Span & { readonly services: { id: string; duration: number }[] })[];

interface Clinic {
  readonly strategy: Strategy;
  readonly windows: Windows;
  readonly appointments: ReadonlyMap<string, Span>;
  readonly bookings: readonly Span[];
  readonly buffers: { readonly bufferBefore: number; readonly bufferAfter: number };
}

const at = (day: number, minute: number): number => (NINE[day] ?? 0) + minute * MINUTE;

/** On the grid of appointments mostly, and beside it at times. */
const spans = fc
  .record({
    day: fc.nat(DATES.length - 1),
    start: fc.oneof(
      { weight: 4, arbitrary: fc.nat(17).map((n) => n * 10) },
      fc.nat(34).map((n) => n * 5),
    ),
    length: fc.constantFrom(5, 10, 10, 20, 20, 30, 60),
  })
  .map(
    ({ day, start, length }): Span => ({
      start: at(day, start),
      end: at(day, Math.min(HOURS * 60, start + length)),
    }),
  );

const windows = fc
  .array(
    fc.record({
      day: fc.nat(DATES.length - 1),
      half: fc.nat(1),
      from: fc.constantFrom(0, 0, 10, 30),
      length: fc.constantFrom(40, 60, 80),
      services: fc.constantFrom(...SERVICES),
    }),
    { maxLength: 4 },
  )
  .map((list): Windows => {
    // One a half of a day, so that no service has two durations at one instant.
    const byHalf = new Map(list.map((one) => [`${one.day} ${one.half}`, one]));
    return [...byHalf.values()].map(({ day, half, from, length, services }) => ({
      start: at(day, half * 90 + Math.min(from, 10)),
      end: at(day, Math.min(half * 90 + from + length, half * 90 + 90)),
      services,
    }));
  });

const REFS = ['a', 'b', 'c', 'd', 'e'];
const strategies = fc.constantFrom<Strategy>('slots', 'breaks', 'book');
const appointments = fc
  .dictionary(fc.constantFrom(...REFS), spans, { maxKeys: REFS.length })
  .map((byRef): ReadonlyMap<string, Span> => new Map(Object.entries(byRef)));

const clinics = fc.record({
  strategy: strategies,
  windows,
  appointments,
  bookings: fc.array(spans, { maxLength: 1 }),
  buffers: fc.constantFrom(
    { bufferBefore: 0, bufferAfter: 0 },
    { bufferBefore: 0, bufferAfter: 0 },
    { bufferBefore: 0, bufferAfter: 10 },
    { bufferBefore: 10, bufferAfter: 5 },
  ),
});

/** What may happen between two requests. */
const changes = fc.oneof(
  fc.record({ kind: fc.constant('taken' as const), ref: fc.constantFrom(...REFS), span: spans }),
  fc.record({ kind: fc.constant('freed' as const), ref: fc.constantFrom(...REFS) }),
  fc.record({ kind: fc.constant('windows' as const), windows }),
  fc.record({ kind: fc.constant('strategy' as const), strategy: strategies }),
);
type Change = typeof changes extends fc.Arbitrary<infer C> ? C : never;

function changed(clinic: Clinic, change: Change): Clinic {
  switch (change.kind) {
    case 'taken':
      return { ...clinic, appointments: new Map(clinic.appointments).set(change.ref, change.span) };
    case 'freed': {
      const left = new Map(clinic.appointments);
      left.delete(change.ref);
      return { ...clinic, appointments: left };
    }
    case 'windows':
      return { ...clinic, windows: change.windows };
    case 'strategy':
      return { ...clinic, strategy: change.strategy };
  }
}

const asDates = ({ start, end }: Span) => ({ start: new Date(start), end: new Date(end) });

function takenIn({ appointments: byRef, bookings }: Clinic): BusyTime[] {
  return [
    ...[...byRef].map(
      ([ref, one]): BusyTime => ({
        source: 'occupancy',
        ref,
        kind: 'booking',
        service: null,
        ...asDates(one),
      }),
    ),
    ...bookings.map(
      (one, n): BusyTime => ({ source: 'booking', id: `patient-${n}`, ref: null, ...asDates(one) }),
    ),
  ];
}

function wantedOf(clinic: Clinic): ReadonlyMap<string, readonly Slot[]> {
  const days = computeSlotConfigs({
    timeZone: ZONE,
    windows: clinic.windows.map(({ services, ...one }) => ({ services, ...asDates(one) })),
    busy: clinic.strategy === 'slots' ? takenIn(clinic) : [],
    from: DATES[0],
    to: DATES[1],
    ...clinic.buffers,
  });
  return new Map(days.map(({ date, slots }) => [date, slots]));
}

/** What the engine knows of a day: what it published, and whether it heard that this arrived. */
interface Known {
  readonly published: readonly Slot[] | null;
  readonly isVerified: boolean;
}

interface Run {
  readonly market: Market;
  readonly known: Map<string, Known>;
  readonly refused: Set<string>;
  readonly now: number;
  clinic: Clinic;
}

const needsIn = ({ clinic }: Run) => requiredBlocksOf(takenIn(clinic), clinic.buffers);

function plan(run: Run) {
  const wanted = wantedOf(run.clinic);
  return planBlocking({
    strategy: run.clinic.strategy,
    timeZone: ZONE,
    days: DATES.map((date) => ({
      date,
      ...(run.known.get(date) ?? { published: null, isVerified: false }),
      wanted: wanted.get(date) ?? [],
    })),
    requiredBlocks: needsIn(run),
    marketplaceState: run.market.marketplaceState(DATES[0], DATES[1]),
    refused: run.refused,
    now: run.now,
  });
}

/** Taken time of the future that a patient could get. */
function exposed(run: Run): ReadonlySet<number> {
  const onSale = run.market.onSale;
  return new Set([...ticksOf(needsIn(run))].filter((tick) => tick >= run.now && onSale.has(tick)));
}

/** Visits of the future that a patient could book, and that would take time that is taken. */
function exposedVisits({ market, ...run }: Run): ReadonlySet<string> {
  const requiredBlocks = needsIn({ market, ...run });
  const exposing = market.visits.filter(
    (visit) => visit.start >= run.now && requiredBlocks.some((need) => overlap(need, visit)),
  );
  return new Set(exposing.map(({ start, service }) => `${toIso(start, ZONE)} ${service}`));
}

/** One request, as the strategy chooses it. @returns false when there is none left */
function step(run: Run, isLost: () => boolean): boolean {
  const { closing, opening } = plan(run);
  const wanted = wantedOf(run.clinic);
  const untold = DATES.filter((date) => {
    const { published, isVerified } = run.known.get(date) ?? { published: null, isVerified: false };
    return !isVerified || JSON.stringify(published) !== JSON.stringify(wanted.get(date));
  });
  const next = closing[0] ?? (untold.length === 0 ? opening[0] : undefined);
  if (next !== undefined) {
    const refused = run.market.apply(next);
    if (refused !== undefined) run.refused.add(refused);
    return true;
  }
  for (const date of untold) {
    const slots = wanted.get(date) ?? [];
    if (isLost()) {
      // It arrived, or it did not: nobody knows.
      if (isLost()) run.market.offered.set(date, slots);
      run.known.set(date, { published: run.known.get(date)?.published ?? null, isVerified: false });
    } else {
      run.market.offered.set(date, slots);
      run.known.set(date, { published: slots, isVerified: true });
    }
  }
  return untold.length > 0;
}

/** Steps until there is none left, and looks after each whether taken time came on sale by it. */
function settle(run: Run, isLost: () => boolean, between: () => readonly Change[]): void {
  for (let n = 0; n < MAX_STEPS; n += 1) {
    const [before, visitsBefore] = [exposed(run), exposedVisits(run)];
    if (!step(run, n < MAX_STEPS / 2 ? isLost : () => false)) return;
    const came = [...exposed(run)].filter((tick) => !before.has(tick));
    expect(came.map((tick) => toIso(tick, ZONE))).toEqual([]);
    expect([...exposedVisits(run)].filter((visit) => !visitsBefore.has(visit))).toEqual([]);
    for (const change of between()) {
      run.clinic = changed(run.clinic, change);
      // A run that begins anew has nothing refused.
      if (change.kind === 'strategy') run.refused.clear();
    }
  }
  throw new Error('it does not come to an end');
}

function expectSettled(run: Run): void {
  const { market, clinic, now } = run;
  const requiredBlocks = needsIn(run);
  const isFuture = (one: Span): boolean => one.end > now;
  const breaks = [...market.breaks.values()].filter(isFuture);
  const placeholders = [...market.placeholders.values()].filter(isFuture);

  expect([...exposed(run)].map((tick) => toIso(tick, ZONE))).toEqual([]);
  if (clinic.strategy === 'slots') expect(breaks).toEqual([]);
  if (clinic.strategy !== 'book') expect(placeholders).toEqual([]);

  const busy = ticksOf(requiredBlocks);
  const onOffer = ticksOf(spansOf([...wantedOf(clinic).values()].flat()));
  for (const tick of ticksOf(breaks)) {
    expect(tick < now || (busy.has(tick) && onOffer.has(tick))).toBe(true);
  }
  if (clinic.strategy === 'breaks') {
    const hidden = ticksOf(breaks);
    for (const tick of busy) if (tick >= now && onOffer.has(tick)) expect(hidden.has(tick)).toBe(true);
  }
  for (const one of placeholders) {
    expect(
      requiredBlocks.some((need) => need.ref === one.ref && need.start === one.start && need.end === one.end),
    ).toBe(true);
  }
  const refs = placeholders.map(({ ref }) => ref);
  expect(new Set(refs).size).toBe(refs.length);
  // No two hide the same time twice.
  for (const [n, one] of breaks.entries()) {
    for (const other of breaks.slice(n + 1)) expect(overlap(one, other)).toBe(false);
  }
}

/** A list as a source of surprises: one after another, and then none any more. */
function drawn<T>(list: readonly T[]): () => T | undefined {
  let n = 0;
  return () => {
    n += 1;
    return list[n - 1];
  };
}

const chances = fc.array(fc.boolean(), { maxLength: 12 });

/** Whatever somebody, or an older state of ours, may have left in the marketplace. */
const leftovers = fc.record({
  breaks: fc.uniqueArray(spans, { maxLength: 4, selector: ({ start, end }) => `${start} ${end}` }),
  placeholders: fc.array(
    fc.record({ span: spans, ref: fc.option(fc.constantFrom<string>(...REFS, 'unknown')) }),
    {
      maxLength: 3,
    },
  ),
  offered: windows,
  isVerified: fc.boolean(),
  isNotified: fc.boolean(),
});

const nows = fc.oneof(
  { weight: 3, arbitrary: fc.constant(at(0, 0) - 60 * MINUTE) },
  fc.nat(HOURS * 12).map((n) => at(0, n * 5)),
);

function begin(
  clinic: Clinic,
  left: typeof leftovers extends fc.Arbitrary<infer L> ? L : never,
  now: number,
  refuses: () => boolean,
): Run {
  const market = new Market(refuses);
  market.others = clinic.bookings;
  for (const one of left.breaks) market.putBreak(one);
  for (const { span: one, ref } of left.placeholders) market.put({ ...one, ref });
  const known = new Map<string, Known>();
  const offered = wantedOf({ ...clinic, strategy: 'breaks', windows: left.offered });
  const wanted = wantedOf(clinic);
  for (const date of DATES) {
    market.offered.set(date, offered.get(date) ?? []);
    if (left.isNotified) {
      const published = left.isVerified ? offered.get(date) : wanted.get(date);
      known.set(date, { published: published ?? [], isVerified: left.isVerified });
    }
  }
  return { market, known, refused: new Set(), now, clinic };
}

const MORNING = [{ start: at(0, 0), end: at(0, 120), services: [{ id: 'visit', duration: 20 }] }];
const nothingLeft = { breaks: [], placeholders: [], offered: MORNING, isVerified: true, isNotified: true };
const clinicOf = (appointments: Record<string, Span>, windows: Windows = MORNING): Clinic => ({
  strategy: 'book',
  windows,
  appointments: new Map(Object.entries(appointments)),
  bookings: [],
  buffers: { bufferBefore: 0, bufferAfter: 0 },
});
const visit = (n: number): Span => ({ start: at(0, n * 20), end: at(0, n * 20 + 20) });

describe('a placeholder', () => {
  test('is removed only once the appointment in its place is blocked otherwise', () => {
    const left = { ...nothingLeft, placeholders: [{ span: visit(1), ref: 'a' }] };
    const run = begin(clinicOf({ a: visit(3), b: visit(1) }), left, at(0, -60), () => false);
    expect(plan(run).closing).toMatchObject([
      { kind: 'add-break', ...visit(1) },
      { kind: 'move-placeholder', need: visit(3) },
    ]);
  });

  test('is not removed from a day whose slots are unknown', () => {
    const left = { ...nothingLeft, placeholders: [{ span: visit(1), ref: 'a' }], isVerified: false };
    const run = begin(clinicOf({ a: visit(3) }), left, at(0, -60), () => false);
    expect(plan(run)).toMatchObject({
      closing: [{ kind: 'add-break', ...visit(3) }],
      opening: [{ kind: 'cancel' }],
    });
  });

  test('is booked once for an appointment that has two placeholders already', () => {
    const twice = [1, 4].map((n) => ({ span: visit(n), ref: 'a' }));
    const run = begin(
      clinicOf({ a: visit(1) }),
      { ...nothingLeft, placeholders: twice },
      at(0, -60),
      () => false,
    );
    expect(plan(run)).toMatchObject({ closing: [], opening: [{ kind: 'cancel', one: visit(4) }] });
  });
});

test('a plan names the appointments that breaks block, and nothing else', () => {
  const clinic = {
    ...clinicOf({ a: { start: at(0, 5), end: at(0, 15) } }),
    bookings: [visit(3)],
    buffers: { bufferBefore: 0, bufferAfter: 10 },
  };
  const run = begin(clinic, nothingLeft, at(0, -60), () => false);
  expect(plan(run)).toMatchObject({
    closing: [
      { kind: 'add-break', start: at(0, 5), end: at(0, 25) },
      { kind: 'add-break', start: at(0, 80), end: at(0, 90) },
    ],
    byBreaks: [{ ref: 'a', start: at(0, 5), end: at(0, 25) }],
  });
});

test('the nearer appointment is blocked first, by a break or a booking', () => {
  const odd = (n: number, day = 0): Span => ({ start: at(day, n * 20 + 5), end: at(day, n * 20 + 15) });
  const both: Windows = [
    ...MORNING,
    { start: at(1, 0), end: at(1, 120), services: [{ id: 'visit', duration: 20 }] },
  ];
  const tomorrow = { start: at(1, 0), end: at(1, 20) };
  const left = { ...nothingLeft, offered: both };
  const clinic = clinicOf({ a: tomorrow, b: odd(1), c: visit(0), d: odd(2, 1) }, both);
  const run = begin(clinic, left, at(0, -60), () => false);
  expect(plan(run).closing).toMatchObject([
    { kind: 'book', need: visit(0) },
    { kind: 'add-break', ...odd(1) },
    { kind: 'book', need: tomorrow },
    { kind: 'add-break', ...odd(2, 1) },
  ]);
});

test('a break is extended before a booking of tomorrow is made', () => {
  const tomorrow = { start: at(1, 0), end: at(1, 20) };
  const both: Windows = [
    ...MORNING,
    { start: at(1, 0), end: at(1, 120), services: [{ id: 'visit', duration: 20 }] },
  ];
  const [short, long] = [
    { start: at(0, 25), end: at(0, 30) },
    { start: at(0, 25), end: at(0, 40) },
  ];
  const left = { ...nothingLeft, offered: both, breaks: [short] };
  const run = begin(clinicOf({ a: tomorrow, b: long }, both), left, at(0, -60), () => false);
  expect(plan(run).closing).toMatchObject([
    { kind: 'move-break', ...long },
    { kind: 'book', need: tomorrow },
  ]);
});

describe('the blocking of busy time', () => {
  test('never puts busy time on sale and leaves nothing behind, from any state, with refusals and lost answers', () => {
    fc.assert(
      fc.property(clinics, leftovers, nows, chances, chances, (clinic, left, now, refusals, deletions) => {
        const refuses = drawn(refusals);
        const lost = drawn(deletions);
        const run = begin(clinic, left, now, () => refuses() === true);
        settle(
          run,
          () => lost() === true,
          () => [],
        );
        expectSettled(run);
        // And then there is nothing to do.
        expect(plan(run)).toMatchObject({ closing: [], opening: [] });
      }),
      { numRuns: 400 },
    );
  });

  test('holds where the clinic or its strategy changes between any two requests', () => {
    const surprises = fc.array(fc.array(changes, { maxLength: 2 }), { maxLength: 14 });
    fc.assert(
      fc.property(clinics, leftovers, nows, surprises, chances, (clinic, left, now, surprise, deletions) => {
        const next = drawn(surprise);
        const lost = drawn(deletions);
        const run = begin(clinic, left, now, () => false);
        settle(
          run,
          () => lost() === true,
          () => next() ?? [],
        );
        expectSettled(run);
      }),
      { numRuns: 400 },
    );
  });

  test('holds where appointments swap places in a small full calendar with placeholders', () => {
    const hour: Windows = [{ start: at(0, 0), end: at(0, 80), services: [{ id: 'visit', duration: 20 }] }];
    const visits = fc
      .record({ n: fc.nat(3), length: fc.constantFrom(20, 20, 20, 30, 40) })
      .map(({ n, length }): Span => ({ start: at(0, n * 20), end: at(0, Math.min(80, n * 20 + length)) }));
    const few = fc.constantFrom(...REFS.slice(0, 3));
    const turns = fc.array(
      fc.array(
        fc.oneof(
          {
            weight: 3,
            arbitrary: fc.record({ kind: fc.constant('taken' as const), ref: few, span: visits }),
          },
          fc.record({ kind: fc.constant('freed' as const), ref: few }),
        ),
        { maxLength: 3 },
      ),
      { maxLength: 12 },
    );
    let asked = 0;
    fc.assert(
      fc.property(fc.dictionary(few, visits), turns, chances, (byRef, turn, deletions) => {
        const buffers = { bufferBefore: 0, bufferAfter: 0 };
        const apart = [
          ...new Map(Object.entries(byRef).map(([ref, one]) => [one.start, [ref, one] as const])).values(),
        ];
        const clinic: Clinic = {
          strategy: 'book',
          windows: hour,
          appointments: new Map(apart),
          bookings: [],
          buffers,
        };
        const left = {
          breaks: [],
          placeholders: apart.map(([ref, one]) => ({
            ref,
            span: { start: one.start, end: one.start + 20 * MINUTE },
          })),
          offered: hour,
          isVerified: true,
          isNotified: true,
        };
        const run = begin(clinic, left, at(0, 0) - 60 * MINUTE, () => false);
        const next = drawn(turn);
        const lost = drawn(deletions);
        settle(
          run,
          () => lost() === true,
          () => next() ?? [],
        );
        expectSettled(run);
        asked += run.market.placeholders.size;
      }),
      { numRuns: 500 },
    );
    expect(asked).toBeGreaterThan(100);
  });

  test('removes no block beside an appointment that is still to be blocked', () => {
    const days: Windows = [0, 1].map((day) => ({
      start: at(day, 0),
      end: at(day, 80),
      services: [
        { id: 'visit', duration: 20 },
        { id: 'check', duration: 10 },
      ],
    }));
    const dense = fc.uniqueArray(
      fc
        .record({ day: fc.nat(1), n: fc.nat(7), length: fc.constantFrom(10, 10, 20) })
        .map(({ day, n, length }): Span => ({ start: at(day, n * 10), end: at(day, n * 10 + length) })),
      { maxLength: 5, selector: ({ start }) => start },
    );
    const named = (list: readonly Span[]) => new Map(list.map((one, n) => [REFS[n] ?? '', one]));
    fc.assert(
      fc.property(dense, dense, fc.constantFrom<Strategy>('breaks', 'book'), (was, is, strategy) => {
        const clinic = { ...clinicOf({}, days), strategy, appointments: named(was) };
        const left = { ...nothingLeft, offered: days };
        const run = begin(clinic, left, at(0, -60), () => false);
        const settled = () => {
          settle(
            run,
            () => false,
            () => [],
          );
          expectSettled(run);
        };
        settled();
        run.clinic = { ...run.clinic, appointments: named(is) };
        settled();
      }),
      { numRuns: 500 },
    );
  });

  test('holds for one strategy after another, each from the final state of the one before', () => {
    fc.assert(
      fc.property(clinics, fc.array(strategies, { minLength: 2, maxLength: 5 }), (clinic, way) => {
        const nothing = { breaks: [], placeholders: [], offered: [], isVerified: true, isNotified: true };
        const run = begin(clinic, nothing, at(0, 0) - 60 * MINUTE, () => false);
        for (const strategy of way) {
          run.clinic = { ...run.clinic, strategy };
          run.refused.clear();
          settle(
            run,
            () => false,
            () => [],
          );
          expectSettled(run);
          // What the marketplace would refuse is not asked for.
          expect([...run.refused]).toEqual([]);
        }
      }),
      { numRuns: 150 },
    );
  });
});
