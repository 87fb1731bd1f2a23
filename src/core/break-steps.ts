/** The order in which breaks are changed, so that time which has to stay hidden is never on offer in between. */
import { BreakCover, type Placed } from './break-cover.js';
import type { CalendarBreak } from './breaks.js';
import { requireInstant } from './civil.js';
import { diffBreaks, type ExistingBreak } from './diff-breaks.js';

/** One request. Contract: addCalendarBreak, moveCalendarBreak, deleteCalendarBreak. */
export type BreakStep =
  | { readonly kind: 'add'; readonly since: string; readonly till: string }
  | { readonly kind: 'move'; readonly id: string; readonly since: string; readonly till: string }
  | { readonly kind: 'delete'; readonly id: string };

/** What is to be, and the break that goes there; without one it is added. */
interface Change extends CalendarBreak {
  readonly to: Placed;
  readonly moving?: { readonly id: string; readonly from: Placed; readonly mayMove: boolean };
}

/**
 * Steps from the breaks that exist to the breaks that are wanted. After each of them at least as much of the wanted
 * time is hidden as before it: what has to be added comes first, a break moves when others hide what it leaves, and
 * nothing is deleted before everything wanted is hidden. Of the steps that may come next, the one nearest in time does.
 * A break that may not move is an addition, and a deletion at the end.
 * @param mayMove breaks of which nothing is known against moving them; default all
 * @throws InvalidScheduleError at a path below `existing` or `wanted`
 */
export function breakSteps(
  existing: readonly ExistingBreak[],
  wanted: readonly CalendarBreak[],
  mayMove: (one: ExistingBreak) => boolean = () => true,
): BreakStep[] {
  const { add, move, delete: gone } = diffBreaks(existing, wanted);
  const byId = new Map(existing.map((one) => [one.id, one]));
  const changes = [
    ...add.map((one) => changeTo(one)),
    ...move.map((one) => changeTo(one, byId.get(one.id), mayMove)),
  ].sort((a, b) => a.to.start - b.to.start);
  const cover = new BreakCover([...byId.values()].map(placed), wanted.map(placed));
  const steps: BreakStep[] = [];
  const deleted: string[] = [...gone];
  const left = new Set(changes);
  const ready = new Ready(changes);
  /** Moves by a piece of time that they would leave: they are looked at again when another break hides it too. */
  const waiting = new Map<number, Change>();

  const done = (change: Change, step: BreakStep): void => {
    left.delete(change);
    steps.push(step);
    for (const piece of cover.put(change.to)) {
      const freed = waiting.get(piece);
      if (freed !== undefined && left.has(freed)) ready.add(freed);
    }
  };
  const doAllThatMayGo = (): void => {
    for (let one = ready.next(); one !== undefined; one = ready.next()) {
      const { since, till, to, moving } = one;
      if (moving === undefined) {
        done(one, { kind: 'add', since, till });
      } else if (moving.mayMove) {
        const uncovered = cover.leftBy(moving.from, to);
        if (uncovered !== undefined) {
          waiting.set(uncovered, one);
        } else {
          done(one, { kind: 'move', id: moving.id, since, till });
          cover.take(moving.from);
        }
      }
    }
  };

  doAllThatMayGo();
  // Where none may go first, one stays until the end, and what it goes on hiding lets the others move.
  for (const one of [...left].sort((a, b) => Number(mayGo(a)) - Number(mayGo(b)))) {
    if (!left.has(one)) continue;
    done(one, { kind: 'add', since: one.since, till: one.till });
    if (one.moving !== undefined) deleted.push(one.moving.id);
    doAllThatMayGo();
  }
  return [...steps, ...deleted.map((id): BreakStep => ({ kind: 'delete', id }))];
}

function changeTo(
  { since, till }: CalendarBreak,
  from?: ExistingBreak,
  mayMove: (one: ExistingBreak) => boolean = () => true,
): Change {
  const change = { since, till, to: placed({ since, till }) };
  if (from === undefined) return change;
  return { ...change, moving: { id: from.id, from: placed(from), mayMove: mayMove(from) } };
}

const mayGo = ({ moving }: Change): boolean => moving?.mayMove ?? true;

/** The changes to be looked at, in the order of all. */
class Ready {
  readonly #order: ReadonlyMap<Change, number>;
  /** The next one last. */
  readonly #changes: Change[];

  constructor(all: readonly Change[]) {
    this.#order = new Map(all.map((one, n) => [one, n]));
    this.#changes = all.toReversed();
  }

  next(): Change | undefined {
    return this.#changes.pop();
  }

  add(change: Change): void {
    const order = this.#orderOf(change);
    let [low, high] = [0, this.#changes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#orderOf(this.#changes[middle]) > order) low = middle + 1;
      else high = middle;
    }
    this.#changes.splice(low, 0, change);
  }

  #orderOf(change: Change | undefined): number {
    return change === undefined ? -1 : (this.#order.get(change) ?? -1);
  }
}

const placed = ({ since, till }: CalendarBreak): Placed => ({
  start: requireInstant(since, undefined, 'since'),
  end: requireInstant(till, undefined, 'till'),
});
