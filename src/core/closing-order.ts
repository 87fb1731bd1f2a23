/** The order in which what hides time is changed, so that nothing that has to stay hidden is ever on offer in between. */
import { BreakCover, type CoverTime } from './break-cover.js';
import type { Span } from './span.js';

/** A change by which `to` is hidden; where something moves there, it goes away from `from`. */
export interface Closing {
  readonly to: Span;
  readonly from?: Span | undefined;
  /** Default true. */
  readonly mayMove?: boolean | undefined;
}

export interface OrderedClosing<C extends Closing> {
  readonly change: C;
  /** What should move stays where it is, and something else has to hide `to`. */
  readonly stays: boolean;
}

/**
 * After each change at least as much of what must be hidden is hidden as before it; and where it is known what is on sale,
 * no visit comes on offer that touches what must be hidden and is not hidden yet. What hides more goes first; what moves
 * goes when others hide what it leaves. What may not move stays, and so does one of those that wait for each other.
 * @param changes by preference; of those that may come next, the first one does
 */
export function orderClosings<C extends Closing>(
  changes: readonly C[],
  time: CoverTime,
): OrderedClosing<C>[] {
  const cover = new BreakCover(
    time,
    changes.map(({ to }) => to),
  );
  const ordered: OrderedClosing<C>[] = [];
  const left = new Set(changes);
  const ready = new ReadyQueue(changes);
  /** Moves by a piece of time that must be hidden first: they are looked at again when something hides it. */
  const waiting = new Map<number, C[]>();

  const done = (change: C, stays: boolean): void => {
    left.delete(change);
    ordered.push({ change, stays });
    for (const piece of cover.add(change.to)) {
      const freed = waiting.get(piece) ?? [];
      waiting.delete(piece);
      for (const one of freed) if (left.has(one)) ready.add(one);
    }
  };
  const doAllThatMayGo = (): void => {
    for (let one = ready.next(); one !== undefined; one = ready.next()) {
      const { from, to, mayMove = true } = one;
      if (from === undefined) {
        done(one, false);
      } else if (mayMove) {
        const uncovered = cover.findUncoveredPiece(from, to);
        if (uncovered === undefined) {
          done(one, false);
          cover.remove(from);
        } else {
          waiting.set(uncovered, [...(waiting.get(uncovered) ?? []), one]);
        }
      }
    }
  };

  doAllThatMayGo();
  // Where none may go first, one stays until the end, and what it goes on hiding lets the others move.
  for (const one of [...left].sort((a, b) => Number(isMovable(a)) - Number(isMovable(b)))) {
    if (!left.has(one)) continue;
    done(one, one.from !== undefined);
    doAllThatMayGo();
  }
  return ordered;
}

const isMovable = ({ mayMove = true }: Closing): boolean => mayMove;

/** The changes to be looked at, in the order of all. */
class ReadyQueue<C extends Closing> {
  readonly #order: ReadonlyMap<C, number>;
  /** The next one last. */
  readonly #changes: C[];

  constructor(all: readonly C[]) {
    this.#order = new Map(all.map((one, n) => [one, n]));
    this.#changes = all.toReversed();
  }

  next(): C | undefined {
    return this.#changes.pop();
  }

  add(change: C): void {
    const order = this.#orderOf(change);
    let [low, high] = [0, this.#changes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#orderOf(this.#changes[middle]) > order) low = middle + 1;
      else high = middle;
    }
    this.#changes.splice(low, 0, change);
  }

  #orderOf(change: C | undefined): number {
    return change === undefined ? -1 : (this.#order.get(change) ?? -1);
  }
}
