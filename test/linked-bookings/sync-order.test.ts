// Bookings that follow their appointments, in an order in which none has to go where another still stands.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LinkedBookingChange } from '../../src/db/tables/linked-bookings.js';
import { inOrder, isInTheWay } from '../../src/linked-bookings/sync-order.js';

const MINUTE = 60_000;

/** A booking of so many minutes, and where its appointment is; null where that was released. */
function following(id: string, start: number, minutes: number, to: number | null): LinkedBookingChange {
  return {
    booking: {
      calendar: 'nowak',
      id,
      status: 'booked',
      start: new Date(start * MINUTE),
      end: new Date((start + minutes) * MINUTE),
      service: null,
      bookedBy: null,
      placeholder: false,
      ref: `apt-${id}`,
      refStart: null,
      movedTo: null,
      failed: null,
    },
    ...(to === null ? {} : { to: { start: new Date(to * MINUTE), service: null } }),
  };
}

const ids = (all: readonly LinkedBookingChange[]) => all.map(({ booking }) => booking.id);

test('bookings that move later are synced from the last, bookings that move earlier from the first', () => {
  const day = [0, 20, 40].map((at, n) => [at, `${n}`] as const);
  expect(ids(inOrder(day.map(([at, id]) => following(id, at, 20, at + 20))))).toEqual(['2', '1', '0']);
  expect(ids(inOrder(day.map(([at, id]) => following(id, at, 20, at - 20))))).toEqual(['0', '1', '2']);
});

test('a cancellation comes first where a move waits for it, and last where none does', () => {
  const all = [
    following('free', 100, 20, null),
    following('there', 40, 20, null),
    following('goes', 0, 20, 50),
  ];
  expect(ids(inOrder(all))).toEqual(['there', 'goes', 'free']);
});

test('each change is listed once, and none before a change that it depends on', () => {
  const some = fc.uniqueArray(
    fc.record({
      slot: fc.nat(30),
      minutes: fc.constantFrom(10, 20),
      shift: fc.option(fc.integer({ min: 1, max: 9 })),
    }),
    { selector: ({ slot }) => slot, maxLength: 12 },
  );
  // All to the same side, so that none changes places with another.
  fc.assert(
    fc.property(some, fc.constantFrom(-1, 1), (bookings, side) => {
      const all = bookings.map(({ slot, minutes, shift }, n) =>
        following(`${n}`, slot * 20, minutes, shift === null ? null : slot * 20 + side * shift * 10),
      );
      const ordered = inOrder(all);
      expect(ids(ordered).sort()).toEqual(ids(all).sort());
      ordered.forEach((one, n) => {
        for (const later of ordered.slice(n + 1)) expect(isInTheWay(later, one)).toBe(false);
      });
    }),
  );
});

test('two bookings that swap places are in some order', () => {
  expect(ids(inOrder([following('a', 0, 20, 20), following('b', 20, 20, 0)])).sort()).toEqual(['a', 'b']);
});
