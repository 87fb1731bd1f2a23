/** Counts the blockers of each piece of time, to find out whether a blocker can move without uncovering time. */
import type { Span } from './span.js';

export interface CoverTime {
  /** Breaks or bookings that block time now. */
  readonly blockers: readonly Span[];
  /** Time that must stay blocked or must become blocked. */
  readonly mustBlock: readonly Span[];
  /** Time that is bookable unless blocked. If it is unknown, only time that must be blocked is checked. */
  readonly onSale?: readonly Span[] | undefined;
}

/** A piece is the time between two adjacent instants of the sorted start and end instants. Pieces are numbered in order. */
export class BreakCover {
  readonly #pieceAt: ReadonlyMap<number, number>;
  /** The number of blockers of each piece. */
  readonly #blockerCounts: Uint32Array;
  readonly #mustBlock: Uint8Array;
  readonly #onSale: Uint8Array | undefined;

  /** @param targets spans at which blockers will be added */
  constructor({ blockers, mustBlock, onSale }: CoverTime, targets: readonly Span[]) {
    const instants = Float64Array.from(
      [...blockers, ...mustBlock, ...(onSale ?? []), ...targets].flatMap(({ start, end }) => [start, end]),
    ).sort();
    const pieceAt = new Map<number, number>();
    for (const at of instants) if (!pieceAt.has(at)) pieceAt.set(at, pieceAt.size);
    this.#pieceAt = pieceAt;
    this.#blockerCounts = new Uint32Array(pieceAt.size);
    for (const blocker of blockers) this.add(blocker);
    this.#mustBlock = this.#mark(mustBlock);
    this.#onSale = onSale && this.#mark(onSale);
    this.#onSale?.forEach((isOnSale, piece) => {
      if (isOnSale === 0) this.#mustBlock[piece] = 0;
    });
  }

  /** @returns the pieces that have one or two blockers after this addition */
  add(blocker: Span): number[] {
    const changed: number[] = [];
    const end = this.#findPiece(blocker.end);
    for (let piece = this.#findPiece(blocker.start); piece < end; piece++) {
      const count = (this.#blockerCounts[piece] ?? 0) + 1;
      this.#blockerCounts[piece] = count;
      if (count <= 2) changed.push(piece);
    }
    return changed;
  }

  remove(blocker: Span): void {
    const end = this.#findPiece(blocker.end);
    for (let piece = this.#findPiece(blocker.start); piece < end; piece++) {
      this.#blockerCounts[piece] = (this.#blockerCounts[piece] ?? 0) - 1;
    }
  }

  /**
   * Finds a piece that must be blocked and that would become bookable if a blocker moved from `from` to `to`. It is either
   * a piece of `from` that only this blocker blocks, or an unblocked piece that is on sale and contiguous with such a piece.
   */
  findUncoveredPiece(from: Span, to: Span): number | undefined {
    const [start, end] = [this.#findPiece(to.start), this.#findPiece(to.end)];
    const [first, last] = [this.#findPiece(from.start), this.#findPiece(from.end)];
    const isLosingLastBlocker = (piece: number): boolean =>
      this.#blockerCounts[piece] === 1 && (piece < start || piece >= end);
    for (let piece = first; piece < last; piece++) {
      if (isLosingLastBlocker(piece) && this.#mustBlock[piece] === 1) return piece;
    }
    const onSale = this.#onSale;
    if (onSale === undefined) return undefined;
    const isBookable = (piece: number): boolean => {
      if (onSale[piece] !== 1 || (piece >= start && piece < end)) return false;
      return (
        this.#blockerCounts[piece] === 0 || (piece >= first && piece < last && isLosingLastBlocker(piece))
      );
    };
    for (let piece = first; piece < last; piece++) {
      if (!isBookable(piece)) continue;
      for (let next = piece; isBookable(next); next--) if (this.#mustBlock[next] === 1) return next;
      // This loop also advances the outer loop past the contiguous bookable pieces.
      for (; isBookable(piece); piece++) if (this.#mustBlock[piece] === 1) return piece;
    }
    return undefined;
  }

  #mark(spans: readonly Span[]): Uint8Array {
    const marks = new Uint8Array(this.#pieceAt.size);
    for (const { start, end } of spans) marks.fill(1, this.#findPiece(start), this.#findPiece(end));
    return marks;
  }

  #findPiece(at: number): number {
    return this.#pieceAt.get(at) ?? 0;
  }
}
