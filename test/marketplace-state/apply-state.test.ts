// What is said of the marketplace's bookings and breaks comes twice, late and in any order: the record ends the same.
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

/** Everything at least once, some of it again, in any order. */
const disorder = <T>(said: readonly T[]): fc.Arbitrary<T[]> =>
  fc
    .tuple(
      fc.subarray([...said]),
      fc.array(fc.nat(), { minLength: said.length * 2, maxLength: said.length * 2 }),
    )
    .map(([again, ranks]) =>
      [...said, ...again]
        .map((one, n) => ({ one, rank: ranks[n] ?? 0 }))
        .sort((a, b) => a.rank - b.rank)
        .map(({ one }) => one),
    );

describe('breaks', () => {
  interface Life {
    readonly id: string;
    readonly said: readonly BreakUpdate[];
  }

  /**
   * A break is made, moves, and goes: each is said of another second, or all of it within one, and at least once by somebody
   * who knows whose it is.
   */
  const lives = fc
    .uniqueArray(
      fc.record({
        id: fc.constantFrom('1', '2', '3'),
        places: fc.array(fc.nat(20), { minLength: 1, maxLength: 4 }),
        isRemoved: fc.boolean(),
        knower: fc.nat(3),
        isOwn: fc.boolean(),
        isQuick: fc.boolean(),
      }),
      { selector: ({ id }) => id, maxLength: 3 },
    )
    .map((all) =>
      all.map(({ id, places: some, isRemoved, knower, isOwn, isQuick }): Life => {
        const places = isQuick ? some.slice(0, 2) : some;
        const said = places.map((n, index): BreakUpdate => {
          const since = NOON + n * 15 * MINUTE;
          const own = index === knower % places.length ? isOwn : undefined;
          const word = index === 0 ? 'created' : 'moved';
          const at = isQuick ? NOON : NOON + index * 1_000;
          return { id, since, till: since + 30 * MINUTE, word, own, at };
        });
        const last = said.at(-1);
        if (!isRemoved || last === undefined) return { id, said };
        const at = isQuick ? NOON : NOON + 60_000;
        return { id, said: [...said, { ...last, own: undefined, word: 'removed', at }] };
      }),
    );
  const worlds = lives.chain((all) =>
    fc.record({ all: fc.constant(all), said: disorder(all.flatMap(({ said }) => said)) }),
  );

  function take(known: ReadonlyMap<string, StoredBreak>, said: readonly BreakUpdate[]) {
    const { changes, days } = mergeBreaks(nowak, known, said, NOON);
    const next = new Map(known);
    for (const { after } of changes) next.set(after.id, after);
    return { known: next, days };
  }

  const ingestEach = (said: readonly BreakUpdate[]) =>
    said.reduce((known, one) => take(known, [one]).known, new Map<string, StoredBreak>());

  test('end as they were last, or gone for good, and are whose they are', () => {
    fc.assert(
      fc.property(worlds, ({ all, said }) => {
        const [apart, together] = [ingestEach(said), take(new Map(), said).known];
        for (const life of all) {
          const last = life.said.filter(({ word }) => word !== 'removed').at(-1);
          const end = {
            removed: life.said.some(({ word }) => word === 'removed'),
            own: life.said.some(({ own }) => own === true),
          };
          for (const one of [apart.get(life.id), together.get(life.id)]) {
            expect(one).toMatchObject(end);
            if (!end.removed)
              expect([one?.since.getTime(), one?.till.getTime()]).toEqual([last?.since, last?.till]);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('of ours mark no day, wherever we move them, and a doctor’s do', () => {
    fc.assert(
      fc.property(worlds, ({ all, said }) => {
        const owned = all.flatMap((life) => (life.said.some(({ own }) => own === true) ? [life.id] : []));
        // The answer to our own request came first.
        const known = ingestEach(all.flatMap((life) => life.said.filter(({ own }) => own === true)));
        expect(
          take(
            known,
            said.filter(({ id }) => owned.includes(id)).map((one) => ({ ...one, own: true })),
          ).days,
        ).toEqual([]);
      }),
      { numRuns: 300 },
    );
    const lunch = { id: '1', since: NOON, till: NOON + 30 * MINUTE, word: 'created', at: NOON } as const;
    expect(take(new Map(), [lunch]).days).toMatchObject([{ date: '2026-11-16' }]);
  });

  test('of ours that somebody else takes away mark the days that are on sale then', () => {
    const ours = { id: '1', since: NOON, till: NOON + 30 * MINUTE, word: 'answered', at: NOON } as const;
    const { known } = take(new Map(), [{ ...ours, own: true }]);
    const gone = { ...ours, word: 'removed', at: NOON + 1_000 } as const;
    const moved = { ...ours, word: 'moved', at: NOON + 1_000 } as const;
    const [day] = take(known, [gone]).days;
    expect(day).toMatchObject({ calendar: 'nowak', date: '2026-11-16' });
    expect(take(known, [{ ...moved, since: NOON + MINUTE }]).days).toEqual([day]);
    expect(take(known, [{ ...gone, own: true }]).days).toEqual([]);
    expect(take(known, [moved]).days).toEqual([]);
    expect(take(known, [{ ...ours, word: 'unlisted', at: NOON + 60_000 }]).days).toEqual([day]);
  });

  const lunch = { id: '1', since: NOON, till: NOON + 30 * MINUTE };
  const created = { ...lunch, word: 'created', at: NOON } as const;
  const later = { since: NOON + 24 * 60 * MINUTE, till: NOON + 24 * 60 * MINUTE + 30 * MINUTE };

  test('that are not in a list are not there, and are where anybody says that they are', () => {
    const read = { ...lunch, word: 'unlisted', at: NOON + 60_000 } as const;
    const known = ingestEach([created, read]);
    expect(known.get('1')).toMatchObject({ unlisted: true, removed: false });
    expect(take(known, [created, read]).days).toEqual([]);
    // Said before the list was read, and heard of after it.
    const moved = { ...lunch, ...later, word: 'moved', at: NOON + 30_000 } as const;
    expect(take(known, [moved]).days).toMatchObject([{ date: '2026-11-17' }]);
    expect(ingestEach([created, read, moved]).get('1')).toMatchObject({ unlisted: false });
    const listed = { ...lunch, ...later, word: 'listed', at: NOON + 90_000 } as const;
    expect(take(known, [listed]).days).toMatchObject([{ date: '2026-11-17' }]);
    // Removed is removed.
    const removed = ingestEach([created, { ...lunch, word: 'removed', at: NOON }, read, moved, listed]);
    expect(removed.get('1')).toMatchObject({ removed: true });
  });

  test('that moved while a list of where they were was read are where they moved to', () => {
    const moved = { ...lunch, ...later, word: 'moved', at: NOON + 30_000 } as const;
    // The list was asked for later than the move was made, and what it says is taken in after the news of that.
    const read = { ...lunch, word: 'unlisted', at: NOON + 60_000 } as const;
    const known = ingestEach([created, moved, read]);
    expect(known.get('1')).toMatchObject({ since: new Date(later.since), unlisted: false });
    // A list of where they are by now does tell.
    expect(ingestEach([created, moved, { ...read, ...later }]).get('1')).toMatchObject({ unlisted: true });
  });

  test('that we made for a coupled calendar have their buffers in them, from when their mark is read', () => {
    const midnight = NOON + 11 * 60 * MINUTE;
    const late = {
      id: '1',
      since: midnight - 30 * MINUTE,
      till: midnight,
      word: 'created',
      at: NOON,
    } as const;
    const datesOf = (known: ReadonlyMap<string, StoredBreak>, said: BreakUpdate) =>
      take(known, [said]).days.map(({ date }) => date);
    expect(datesOf(new Map(), { ...late, mark: 'lis' })).toEqual(['2026-11-16']);
    for (const mark of [undefined, null]) {
      expect(datesOf(new Map(), { ...late, mark })).toEqual(['2026-11-16', '2026-11-17']);
    }

    const heard = ingestEach([created]);
    expect(heard.get('1')?.coupled).toBeNull();
    const listed = (mark: string | null) => ({ ...lunch, word: 'listed', at: NOON + 5_000, mark }) as const;
    expect(datesOf(heard, listed('lis'))).toEqual(['2026-11-16']);
    for (const mark of [null, 'nowak']) {
      expect(datesOf(heard, listed(mark))).toEqual([]);
      expect(take(heard, [listed(mark)]).known.get('1')?.coupled).toBe(false);
    }
    for (const said of [
      [created, listed('lis')],
      [listed('lis'), created],
    ]) {
      const known = ingestEach(said);
      expect(known.get('1')).toMatchObject({ own: false, coupled: true });
      for (const one of said) expect(datesOf(known, one)).toEqual([]);
    }
  });

  test('that move in the second in which a list is read are where they moved', () => {
    const listed = { ...lunch, word: 'listed', at: NOON + 5_400 } as const;
    const moved = { ...lunch, ...later, word: 'moved', at: NOON + 5_000 } as const;
    for (const words of [
      [listed, moved],
      [moved, listed],
    ]) {
      expect(
        ingestEach([created, ...words])
          .get('1')
          ?.since.getTime(),
      ).toBe(later.since);
    }
    // What was so in the second before is in the list.
    const before = { ...moved, at: NOON + 4_000 };
    expect(ingestEach([created, before, listed]).get('1')?.since.getTime()).toBe(NOON);
    expect(ingestEach([created, listed, before]).get('1')?.since.getTime()).toBe(NOON);
  });

  test('that were said before change nothing and mark no day', () => {
    fc.assert(
      fc.property(worlds, ({ said }) => {
        const known = ingestEach(said);
        const again = take(known, said);
        expect(again.days).toEqual([]);
        expect(again.known).toEqual(known);
      }),
      { numRuns: 300 },
    );
  });
});

describe('bookings', () => {
  /** What comes at once: a move speaks of both bookings. */
  type Word = readonly BookingUpdate[];

  interface Life {
    readonly words: readonly Word[];
    readonly isOurs: boolean;
    readonly stands: string | undefined;
    readonly over: readonly string[];
  }

  /** A booking that moves some times, each time under another id, and may end; ours name their appointment in our own words only. */
  const lives = fc
    .uniqueArray(
      fc.record({
        name: fc.constantFrom('a', 'b', 'c'),
        places: fc.array(fc.nat(20), { minLength: 1, maxLength: 3 }),
        isCanceled: fc.boolean(),
        isOurs: fc.boolean(),
      }),
      { selector: ({ name }) => name, maxLength: 3 },
    )
    .map((all) =>
      all.map(({ name, places, isCanceled, isOurs }): Life => {
        const said = places.map((n, index): BookingUpdate => {
          const start = NOON + n * 15 * MINUTE;
          const common = {
            id: `${name}${index}`,
            status: 'booked',
            service: 'visit',
            bookedBy: 'user',
          } as const;
          const ours = isOurs ? { bookedBy: 'integration', placeholder: { ref: null } } : {};
          return { ...common, start, end: start + 30 * MINUTE, ...ours };
        });
        const words: Word[] = said.map((one, index) => {
          const old = said[index - 1];
          const named = isOurs ? { ...one, placeholder: { ref: name } } : one;
          return old === undefined
            ? [named]
            : [
                { ...old, status: 'moved' },
                { ...named, before: old.id },
              ];
        });
        // A reading says the same without knowing where it came from.
        words.push(...said.map((one): Word => [one]));
        const last = said.at(-1);
        if (isCanceled && last !== undefined) words.push([{ ...last, status: 'canceled' }]);
        return {
          words,
          isOurs,
          stands: isCanceled ? undefined : last?.id,
          over: said.flatMap(({ id }) => (id === last?.id && !isCanceled ? [] : [id])),
        };
      }),
    );
  const worlds = lives.chain((all) =>
    fc.record({ all: fc.constant(all), words: disorder(all.flatMap(({ words }) => words)) }),
  );

  function take(known: ReadonlyMap<string, StoredBooking>, said: readonly BookingUpdate[]) {
    const { changes, days } = mergeBookings(nowak, known, said, NOON);
    const next = new Map(known);
    for (const { after } of changes) next.set(after.id, after);
    return { known: next, days };
  }

  const ingestEach = (words: readonly Word[]) =>
    words.reduce((known, word) => take(known, word).known, new Map<string, StoredBooking>());

  test('that are over stay over, and the last of each that moved stands', () => {
    fc.assert(
      fc.property(worlds, ({ all, words }) => {
        for (const known of [ingestEach(words), take(new Map(), words.flat()).known]) {
          for (const { stands, over, isOurs } of all) {
            if (stands !== undefined)
              expect(known.get(stands)).toMatchObject({ status: 'booked', placeholder: isOurs });
            for (const id of over) expect(known.get(id)?.status).not.toBe('booked');
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('end the same, in whatever order they are said', () => {
    fc.assert(
      fc.property(worlds, ({ all, words }) => {
        const inOrder = ingestEach(all.flatMap((life) => life.words));
        expect(ingestEach(words)).toEqual(inOrder);
      }),
      { numRuns: 500 },
    );
  });

  test('of ours mark no day, and a patient’s do', () => {
    fc.assert(
      fc.property(worlds, ({ all, words }) => {
        const ours = new Set(all.filter(({ isOurs }) => isOurs).flatMap((life) => life.words));
        const echoes = words.filter((word) => ours.has(word));
        expect(take(new Map(), echoes.flat()).days).toEqual([]);
      }),
      { numRuns: 300 },
    );
    const visit = { id: '1', status: 'booked', start: NOON, end: NOON + 30 * MINUTE } as const;
    expect(take(new Map(), [visit]).days).toMatchObject([{ date: '2026-11-16' }]);
  });

  test('of ours that somebody else cancels mark the days that are on sale then', () => {
    const ours = { id: '1', start: NOON, end: NOON + 30 * MINUTE, placeholder: { ref: 'apt' } } as const;
    const { known } = take(new Map(), [{ ...ours, status: 'booked' }]);
    const canceled = { ...ours, status: 'canceled' } as const;
    expect(take(known, [canceled]).days).toMatchObject([{ calendar: 'nowak', date: '2026-11-16' }]);
    expect(take(known, [{ ...canceled, byUs: true }]).days).toEqual([]);
  });

  test('that hid the appointment that they are linked to put it on sale where they are cancelled', () => {
    const visit = { id: '1', start: NOON, end: NOON + 30 * MINUTE } as const;
    const { known } = take(new Map(), [{ ...visit, status: 'booked' }]);
    const linked: ReadonlyMap<string, StoredBooking> = new Map(
      [...known].map(([id, one]) => [id, { ...one, ref: 'apt' }]),
    );
    const bandsOf = (said: BookingUpdate, before = linked) =>
      take(before, [said]).days.map(({ priority }) => bandOf(priority));
    expect(bandsOf({ ...visit, status: 'canceled' })).toEqual(['closing']);
    expect(bandsOf({ ...visit, status: 'canceled' }, known)).toEqual(['opening']);
    expect(bandsOf({ ...visit, status: 'canceled', byUs: true })).toEqual(['opening']);
  });

  test('that are linked hand their link on, whichever of their moves is heard of first', () => {
    fc.assert(
      fc.property(worlds, ({ all, words }) => {
        const links = all.filter(({ isOurs }) => !isOurs).map(({ words: [first = []] }) => first);
        let known = ingestEach(links);
        for (const [id, one] of known) known.set(id, { ...one, ref: `apt-${id[0]}` });
        known = words.reduce((before, word) => take(before, word).known, known);
        for (const { stands, isOurs } of all) {
          if (stands === undefined || isOurs) continue;
          expect(known.get(stands)?.ref).toBe(`apt-${stands[0]}`);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('that were said before change nothing and mark no day', () => {
    fc.assert(
      fc.property(worlds, ({ words }) => {
        const known = ingestEach(words);
        const again = take(known, words.flat());
        expect(again.days).toEqual([]);
        expect(again.known).toEqual(known);
      }),
      { numRuns: 300 },
    );
  });
});
