/** Orders changes of blockers so that time that must stay blocked is never bookable between two changes. */
import { BreakCover, type CoverTime } from './break-cover.js';
import type { Span } from './span.js';

/** A change that blocks `to`. If it moves an existing blocker, `from` is the time that the blocker leaves. */
export interface Closing {
  readonly to: Span;
  readonly from?: Span | undefined;
  /** Whether the existing blocker may move. Default true. */
  readonly mayMove?: boolean | undefined;
}

export interface OrderedClosing<C extends Closing> {
  readonly change: C;
  /** Whether the existing blocker stays in place, so that a new blocker must block `to`. */
  readonly stays: boolean;
}

/**
 * Returns the changes in an order in which no change reduces the blocked part of the time that must be blocked. If the time
 * on sale is known, no change makes a start bookable whose appointment touches unblocked time that must be blocked.
 * An addition is always possible. A move is possible once other blockers block the time that it leaves. A blocker that may
 * not move stays in place. If moves wait for each other, one of their blockers stays in place.
 * @param changes in order of preference; of the changes that are possible next, the first one is applied
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
  const remaining = new Set(changes);
  const ready = new ReadyQueue(changes);
  /**
   * Waiting moves by the piece of time that must be blocked first. They become ready again when a change blocks that
   * piece.
   */
  const waitingByPiece = new Map<number, C[]>();

  const apply = (change: C, stays: boolean): void => {
    remaining.delete(change);
    ordered.push({ change, stays });
    for (const piece of cover.add(change.to)) {
      const unblocked = waitingByPiece.get(piece) ?? [];
      waitingByPiece.delete(piece);
      for (const one of unblocked) if (remaining.has(one)) ready.add(one);
    }
  };
  const applyAllReady = (): void => {
    for (let one = ready.next(); one !== undefined; one = ready.next()) {
      const { from, to, mayMove = true } = one;
      if (from === undefined) {
        apply(one, false);
      } else if (mayMove) {
        const uncovered = cover.findUncoveredPiece(from, to);
        if (uncovered === undefined) {
          apply(one, false);
          cover.remove(from);
        } else {
          waitingByPiece.set(uncovered, [...(waitingByPiece.get(uncovered) ?? []), one]);
        }
      }
    }
  };

  applyAllReady();
  // If no change is possible, one blocker stays in place until the end, and the time that it blocks lets the others move.
  for (const one of [...remaining].sort((a, b) => Number(isMovable(a)) - Number(isMovable(b)))) {
    if (!remaining.has(one)) continue;
    apply(one, one.from !== undefined);
    applyAllReady();
  }
  return ordered;
}

const isMovable = ({ mayMove = true }: Closing): boolean => mayMove;

/** The changes to check next, in the order of the input. */
class ReadyQueue<C extends Closing> {
  readonly #order: ReadonlyMap<C, number>;
  /** In reverse order: the next change is the last element. */
  readonly #changes: C[];

  constructor(all: readonly C[]) {
    this.#order = new Map(all.map((change, n) => [change, n]));
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
