/** How much hides each piece of time: what would leave something on offer by going away. */
import type { Span } from './span.js';

export interface CoverTime {
  /** What hides time now. */
  readonly blockers: readonly Span[];
  /** The time that has to stay hidden, or is to be. */
  readonly mustBlock: readonly Span[];
  /** What is on sale where nothing hides it; where it is not known, only time that must be hidden is looked at. */
  readonly onSale?: readonly Span[] | undefined;
}

/** A piece lies between two neighbours of all instants at which anything begins or ends; pieces have numbers. */
export class BreakCover {
  readonly #pieceAt: ReadonlyMap<number, number>;
  readonly #hiding: Uint32Array;
  readonly #mustHide: Uint8Array;
  readonly #onSale: Uint8Array | undefined;

  /** @param targets where something is to be put */
  constructor({ blockers: places, mustBlock: mustHide, onSale }: CoverTime, targets: readonly Span[]) {
    const instants = Float64Array.from(
      [...places, ...mustHide, ...(onSale ?? []), ...targets].flatMap(({ start, end }) => [start, end]),
    ).sort();
    const pieceAt = new Map<number, number>();
    for (const at of instants) if (!pieceAt.has(at)) pieceAt.set(at, pieceAt.size);
    this.#pieceAt = pieceAt;
    this.#hiding = new Uint32Array(pieceAt.size);
    for (const one of places) this.add(one);
    this.#mustHide = this.#marked(mustHide);
    this.#onSale = onSale && this.#marked(onSale);
    this.#onSale?.forEach((isOnSale, piece) => {
      if (isOnSale === 0) this.#mustHide[piece] = 0;
    });
  }

  /** @returns the pieces of which it is the first or the second that hides them */
  add(place: Span): number[] {
    const changed: number[] = [];
    const end = this.#piece(place.end);
    for (let piece = this.#piece(place.start); piece < end; piece++) {
      const hiding = (this.#hiding[piece] ?? 0) + 1;
      this.#hiding[piece] = hiding;
      if (hiding <= 2) changed.push(piece);
    }
    return changed;
  }

  remove(place: Span): void {
    const end = this.#piece(place.end);
    for (let piece = this.#piece(place.start); piece < end; piece++) {
      this.#hiding[piece] = (this.#hiding[piece] ?? 0) - 1;
    }
  }

  /**
   * A piece that has to be hidden, and of which a visit would come on sale if what is there went elsewhere: a piece that it
   * leaves, or one that nothing hides yet and that is on sale together with what it leaves.
   */
  findUncoveredPiece(from: Span, to: Span): number | undefined {
    const [start, end] = [this.#piece(to.start), this.#piece(to.end)];
    const [first, last] = [this.#piece(from.start), this.#piece(from.end)];
    const isLeft = (piece: number): boolean => this.#hiding[piece] === 1 && (piece < start || piece >= end);
    for (let piece = first; piece < last; piece++) {
      if (isLeft(piece) && this.#mustHide[piece] === 1) return piece;
    }
    const onSale = this.#onSale;
    if (onSale === undefined) return undefined;
    const isOpen = (piece: number): boolean => {
      if (onSale[piece] !== 1 || (piece >= start && piece < end)) return false;
      return this.#hiding[piece] === 0 || (piece >= first && piece < last && isLeft(piece));
    };
    for (let piece = first; piece < last; piece++) {
      if (!isOpen(piece)) continue;
      for (let next = piece; isOpen(next); next--) if (this.#mustHide[next] === 1) return next;
      // What follows in the same stretch is left, too, or is looked at here.
      for (; isOpen(piece); piece++) if (this.#mustHide[piece] === 1) return piece;
    }
    return undefined;
  }

  #marked(places: readonly Span[]): Uint8Array {
    const marks = new Uint8Array(this.#pieceAt.size);
    for (const one of places) marks.fill(1, this.#piece(one.start), this.#piece(one.end));
    return marks;
  }

  #piece(at: number): number {
    return this.#pieceAt.get(at) ?? 0;
  }
}
