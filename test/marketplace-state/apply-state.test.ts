// Updates of bookings and breaks that repeat, are late and arrive in any order lead to the same stored state.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bandOf } from '../../src/core/index.js';
import type { StoredBooking } from '../../src/db/tables/bookings.js';
import type { StoredBreak } from '../../src/db/tables/breaks.js';
import { type BookingUpdate, mergeBookings } from '../../src/marketplace-state/apply-bookings.js';
import { type BreakUpdate, mergeBreaks } from '../../src/marketplace-state/apply-breaks.js';

const MINUTE = 60_000;
const NOON = Date.parse('2026-11-16T12:00:00Z');
const nowak = { id: 'nowak', timeZone: 'Europe/Warsaw', bufferBefore: 5, bufferAfter: 10 };

/** Each update at least once, some of them twice, in any order. */
const repeatedInAnyOrder = <T>(updates: readonly T[]): fc.Arbitrary<T[]> =>
  fc
    .tuple(
      fc.subarray([...updates]),
      fc.array(fc.nat(), { minLength: updates.length * 2, maxLength: updates.length * 2 }),
    )
    .map(([again, ranks]) =>
      [...updates, ...again]
        .map((one, n) => ({ one, rank: ranks[n] ?? 0 }))
        .sort((a, b) => a.rank - b.rank)
        .map(({ one }) => one),
    );

describe('breaks', () => {
  interface History {
    readonly id: string;
    readonly updates: readonly BreakUpdate[];
  }

  /**
   * A break is created, moves, and is removed: the updates are of different seconds or of the same one, and at least one of them
   * says who made the break.
   */
  const histories = fc
    .uniqueArray(
      fc.record({
        id: fc.constantFrom('1', '2', '3'),
        places: fc.array(fc.nat(20), { minLength: 1, maxLength: 4 }),
        isRemoved: fc.boolean(),
        ownerIndex: fc.nat(3),
        isOwn: fc.boolean(),
        isQuick: fc.boolean(),
      }),
      { selector: ({ id }) => id, maxLength: 3 },
    )
    .map((all) =>
      all.map(({ id, places: some, isRemoved, ownerIndex, isOwn, isQuick }): History => {
        const places = isQuick ? some.slice(0, 2) : some;
        const updates = places.map((n, index): BreakUpdate => {
          const since = NOON + n * 15 * MINUTE;
          const own = index === ownerIndex % places.length ? isOwn : undefined;
          const kind = index === 0 ? 'created' : 'moved';
          const observedAt = isQuick ? NOON : NOON + index * 1_000;
          return { id, since, till: since + 30 * MINUTE, kind, own, observedAt };
        });
        const last = updates.at(-1);
        if (!isRemoved || last === undefined) return { id, updates };
        const observedAt = isQuick ? NOON : NOON + 60_000;
        return { id, updates: [...updates, { ...last, own: undefined, kind: 'removed', observedAt }] };
      }),
    );
  const worlds = histories.chain((all) =>
    fc.record({ all: fc.constant(all), updates: repeatedInAnyOrder(all.flatMap(({ updates }) => updates)) }),
  );

  function apply(known: ReadonlyMap<string, StoredBreak>, updates: readonly BreakUpdate[]) {
    const { changes, days } = mergeBreaks(nowak, known, updates, NOON);
    const next = new Map(known);
    for (const { after } of changes) next.set(after.id, after);
    return { known: next, days };
  }

  const applyEach = (updates: readonly BreakUpdate[]) =>
    updates.reduce((known, one) => apply(known, [one]).known, new Map<string, StoredBreak>());

  test('have the state of the last update, stay removed, and keep their owner', () => {
    fc.assert(
      fc.property(worlds, ({ all, updates }) => {
        const [apart, together] = [applyEach(updates), apply(new Map(), updates).known];
        for (const history of all) {
          const last = history.updates.filter(({ kind }) => kind !== 'removed').at(-1);
          const end = {
            removed: history.updates.some(({ kind }) => kind === 'removed'),
            own: history.updates.some(({ own }) => own === true),
          };
          for (const one of [apart.get(history.id), together.get(history.id)]) {
            expect(one).toMatchObject(end);
            if (!end.removed)
              expect([one?.since.getTime(), one?.till.getTime()]).toEqual([last?.since, last?.till]);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('of this engine mark no day dirty wherever they move, and a doctor’s break does', () => {
    fc.assert(
      fc.property(worlds, ({ all, updates }) => {
        const owned = all.flatMap((history) =>
          history.updates.some(({ own }) => own === true) ? [history.id] : [],
        );
        // The answer to the own request came first.
        const known = applyEach(all.flatMap((history) => history.updates.filter(({ own }) => own === true)));
        expect(
          apply(
            known,
            updates.filter(({ id }) => owned.includes(id)).map((one) => ({ ...one, own: true })),
          ).days,
        ).toEqual([]);
      }),
      { numRuns: 300 },
    );
    const lunch = {
      id: '1',
      since: NOON,
      till: NOON + 30 * MINUTE,
      kind: 'created',
      observedAt: NOON,
    } as const;
    expect(apply(new Map(), [lunch]).days).toMatchObject([{ date: '2026-11-16' }]);
  });

  test('of this engine that somebody else removes mark the days that are on sale then', () => {
    const ours = {
      id: '1',
      since: NOON,
      till: NOON + 30 * MINUTE,
      kind: 'answered',
      observedAt: NOON,
    } as const;
    const { known } = apply(new Map(), [{ ...ours, own: true }]);
    const gone = { ...ours, kind: 'removed', observedAt: NOON + 1_000 } as const;
    const moved = { ...ours, kind: 'moved', observedAt: NOON + 1_000 } as const;
    const [day] = apply(known, [gone]).days;
    expect(day).toMatchObject({ calendar: 'nowak', date: '2026-11-16' });
    expect(apply(known, [{ ...moved, since: NOON + MINUTE }]).days).toEqual([day]);
    expect(apply(known, [{ ...gone, own: true }]).days).toEqual([]);
    expect(apply(known, [moved]).days).toEqual([]);
    expect(apply(known, [{ ...ours, kind: 'unlisted', observedAt: NOON + 60_000 }]).days).toEqual([day]);
  });

  const lunch = { id: '1', since: NOON, till: NOON + 30 * MINUTE };
  const created = { ...lunch, kind: 'created', observedAt: NOON } as const;
  const later = { since: NOON + 24 * 60 * MINUTE, till: NOON + 24 * 60 * MINUTE + 30 * MINUTE };

  test('that a list leaves out are unlisted, and a later update sets their time', () => {
    const read = { ...lunch, kind: 'unlisted', observedAt: NOON + 60_000 } as const;
    const known = applyEach([created, read]);
    expect(known.get('1')).toMatchObject({ unlisted: true, removed: false });
    expect(apply(known, [created, read]).days).toEqual([]);
    // The move is older than the list and arrives after it.
    const moved = { ...lunch, ...later, kind: 'moved', observedAt: NOON + 30_000 } as const;
    expect(apply(known, [moved]).days).toMatchObject([{ date: '2026-11-17' }]);
    expect(applyEach([created, read, moved]).get('1')).toMatchObject({ unlisted: false });
    const listed = { ...lunch, ...later, kind: 'listed', observedAt: NOON + 90_000 } as const;
    expect(apply(known, [listed]).days).toMatchObject([{ date: '2026-11-17' }]);
    // A removed break never returns.
    const removed = applyEach([
      created,
      { ...lunch, kind: 'removed', observedAt: NOON },
      read,
      moved,
      listed,
    ]);
    expect(removed.get('1')).toMatchObject({ removed: true });
  });

  test('that moved while a list of their former time was read keep their new time', () => {
    const moved = { ...lunch, ...later, kind: 'moved', observedAt: NOON + 30_000 } as const;
    // The list was requested after the move, and is applied after the move's notification.
    const read = { ...lunch, kind: 'unlisted', observedAt: NOON + 60_000 } as const;
    const known = applyEach([created, moved, read]);
    expect(known.get('1')).toMatchObject({ since: new Date(later.since), unlisted: false });
    // A list of the new time does mark the break as unlisted.
    expect(applyEach([created, moved, { ...read, ...later }]).get('1')).toMatchObject({ unlisted: true });
  });

  test('that were made for a coupled calendar include their buffers once their tag is read', () => {
    const midnight = NOON + 11 * 60 * MINUTE;
    const late = {
      id: '1',
      since: midnight - 30 * MINUTE,
      till: midnight,
      kind: 'created',
      observedAt: NOON,
    } as const;
    const datesOf = (known: ReadonlyMap<string, StoredBreak>, updates: BreakUpdate) =>
      apply(known, [updates]).days.map(({ date }) => date);
    expect(datesOf(new Map(), { ...late, tag: 'lis' })).toEqual(['2026-11-16']);
    for (const tag of [undefined, null]) {
      expect(datesOf(new Map(), { ...late, tag })).toEqual(['2026-11-16', '2026-11-17']);
    }

    const stored = applyEach([created]);
    expect(stored.get('1')?.coupled).toBeNull();
    const listed = (tag: string | null) =>
      ({ ...lunch, kind: 'listed', observedAt: NOON + 5_000, tag }) as const;
    expect(datesOf(stored, listed('lis'))).toEqual(['2026-11-16']);
    for (const tag of [null, 'nowak']) {
      expect(datesOf(stored, listed(tag))).toEqual([]);
      expect(apply(stored, [listed(tag)]).known.get('1')?.coupled).toBe(false);
    }
    for (const updates of [
      [created, listed('lis')],
      [listed('lis'), created],
    ]) {
      const known = applyEach(updates);
      expect(known.get('1')).toMatchObject({ own: false, coupled: true });
      for (const one of updates) expect(datesOf(known, one)).toEqual([]);
    }
  });

  test('that move in the second in which a list is read keep their new time', () => {
    const listed = { ...lunch, kind: 'listed', observedAt: NOON + 5_400 } as const;
    const moved = { ...lunch, ...later, kind: 'moved', observedAt: NOON + 5_000 } as const;
    for (const updates of [
      [listed, moved],
      [moved, listed],
    ]) {
      expect(
        applyEach([created, ...updates])
          .get('1')
          ?.since.getTime(),
      ).toBe(later.since);
    }
    // The list contains the state of the second before.
    const before = { ...moved, observedAt: NOON + 4_000 };
    expect(applyEach([created, before, listed]).get('1')?.since.getTime()).toBe(NOON);
    expect(applyEach([created, listed, before]).get('1')?.since.getTime()).toBe(NOON);
  });

  test('that are applied already change nothing and mark no day dirty', () => {
    fc.assert(
      fc.property(worlds, ({ updates }) => {
        const known = applyEach(updates);
        const again = apply(known, updates);
        expect(again.days).toEqual([]);
        expect(again.known).toEqual(known);
      }),
      { numRuns: 300 },
    );
  });
});

describe('bookings', () => {
  /** The updates of one notification: a move contains both bookings. */
  type Batch = readonly BookingUpdate[];

  interface History {
    readonly batches: readonly Batch[];
    readonly isPlaceholder: boolean;
    readonly standing: string | undefined;
    readonly ended: readonly string[];
  }

  /** A booking that moves several times, each time with a new id, and may end. Only own updates of a placeholder name its appointment. */
  const histories = fc
    .uniqueArray(
      fc.record({
        name: fc.constantFrom('a', 'b', 'c'),
        places: fc.array(fc.nat(20), { minLength: 1, maxLength: 3 }),
        isCanceled: fc.boolean(),
        isPlaceholder: fc.boolean(),
      }),
      { selector: ({ name }) => name, maxLength: 3 },
    )
    .map((all) =>
      all.map(({ name, places, isCanceled, isPlaceholder }): History => {
        const updates = places.map((n, index): BookingUpdate => {
          const start = NOON + n * 15 * MINUTE;
          const common = {
            id: `${name}${index}`,
            status: 'booked',
            service: 'visit',
            bookedBy: 'user',
          } as const;
          const own = isPlaceholder ? { bookedBy: 'integration', placeholder: { ref: null } } : {};
          return { ...common, start, end: start + 30 * MINUTE, ...own };
        });
        const batches: Batch[] = updates.map((one, index) => {
          const old = updates[index - 1];
          const named = isPlaceholder ? { ...one, placeholder: { ref: name } } : one;
          return old === undefined
            ? [named]
            : [
                { ...old, status: 'moved' },
                { ...named, movedFrom: old.id },
              ];
        });
        // A list contains the same bookings without their predecessors.
        batches.push(...updates.map((one): Batch => [one]));
        const last = updates.at(-1);
        if (isCanceled && last !== undefined) batches.push([{ ...last, status: 'canceled' }]);
        return {
          batches,
          isPlaceholder,
          standing: isCanceled ? undefined : last?.id,
          ended: updates.flatMap(({ id }) => (id === last?.id && !isCanceled ? [] : [id])),
        };
      }),
    );
  const worlds = histories.chain((all) =>
    fc.record({ all: fc.constant(all), batches: repeatedInAnyOrder(all.flatMap(({ batches }) => batches)) }),
  );

  function apply(known: ReadonlyMap<string, StoredBooking>, updates: readonly BookingUpdate[]) {
    const { changes, days } = mergeBookings(nowak, known, updates, NOON);
    const next = new Map(known);
    for (const { after } of changes) next.set(after.id, after);
    return { known: next, days };
  }

  const applyEach = (batches: readonly Batch[]) =>
    batches.reduce((known, batch) => apply(known, batch).known, new Map<string, StoredBooking>());

  test('that ended stay ended, and the last successor of a move stays booked', () => {
    fc.assert(
      fc.property(worlds, ({ all, batches }) => {
        for (const known of [applyEach(batches), apply(new Map(), batches.flat()).known]) {
          for (const { standing, ended, isPlaceholder } of all) {
            if (standing !== undefined)
              expect(known.get(standing)).toMatchObject({ status: 'booked', placeholder: isPlaceholder });
            for (const id of ended) expect(known.get(id)?.status).not.toBe('booked');
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('have the same state for every order of the updates', () => {
    fc.assert(
      fc.property(worlds, ({ all, batches }) => {
        const inOrder = applyEach(all.flatMap((history) => history.batches));
        expect(applyEach(batches)).toEqual(inOrder);
      }),
      { numRuns: 500 },
    );
  });

  test('that are placeholders mark no day dirty, and a patient’s booking does', () => {
    fc.assert(
      fc.property(worlds, ({ all, batches }) => {
        const own = new Set(
          all.filter(({ isPlaceholder }) => isPlaceholder).flatMap((history) => history.batches),
        );
        const echoes = batches.filter((batch) => own.has(batch));
        expect(apply(new Map(), echoes.flat()).days).toEqual([]);
      }),
      { numRuns: 300 },
    );
    const visit = { id: '1', status: 'booked', start: NOON, end: NOON + 30 * MINUTE } as const;
    expect(apply(new Map(), [visit]).days).toMatchObject([{ date: '2026-11-16' }]);
  });

  test('that are placeholders and that somebody else cancels mark the days that are on sale then', () => {
    const own = { id: '1', start: NOON, end: NOON + 30 * MINUTE, placeholder: { ref: 'apt' } } as const;
    const { known } = apply(new Map(), [{ ...own, status: 'booked' }]);
    const canceled = { ...own, status: 'canceled' } as const;
    expect(apply(known, [canceled]).days).toMatchObject([{ calendar: 'nowak', date: '2026-11-16' }]);
    expect(apply(known, [{ ...canceled, isOwnChange: true }]).days).toEqual([]);
  });

  test('that blocked their linked appointment put its time on sale when they are canceled', () => {
    const visit = { id: '1', start: NOON, end: NOON + 30 * MINUTE } as const;
    const { known } = apply(new Map(), [{ ...visit, status: 'booked' }]);
    const linked: ReadonlyMap<string, StoredBooking> = new Map(
      [...known].map(([id, one]) => [id, { ...one, ref: 'apt' }]),
    );
    const bandsOf = (updates: BookingUpdate, before = linked) =>
      apply(before, [updates]).days.map(({ priority }) => bandOf(priority));
    expect(bandsOf({ ...visit, status: 'canceled' })).toEqual(['closing']);
    expect(bandsOf({ ...visit, status: 'canceled' }, known)).toEqual(['opening']);
    expect(bandsOf({ ...visit, status: 'canceled', isOwnChange: true })).toEqual(['opening']);
  });

  test('that are linked pass their link on, whichever of their moves is observed first', () => {
    fc.assert(
      fc.property(worlds, ({ all, batches }) => {
        const links = all
          .filter(({ isPlaceholder }) => !isPlaceholder)
          .map(({ batches: [first = []] }) => first);
        let known = applyEach(links);
        for (const [id, one] of known) known.set(id, { ...one, ref: `apt-${id[0]}` });
        known = batches.reduce((before, batch) => apply(before, batch).known, known);
        for (const { standing, isPlaceholder } of all) {
          if (standing === undefined || isPlaceholder) continue;
          expect(known.get(standing)?.ref).toBe(`apt-${standing[0]}`);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('that are applied already change nothing and mark no day dirty', () => {
    fc.assert(
      fc.property(worlds, ({ batches }) => {
        const known = applyEach(batches);
        const again = apply(known, batches.flat());
        expect(again.days).toEqual([]);
        expect(again.known).toEqual(known);
      }),
      { numRuns: 300 },
    );
  });
});
