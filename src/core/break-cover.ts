/** How many breaks hide each piece of time: who would leave something on offer by going away. */

/** Epoch milliseconds, half-open. */
export interface Placed {
  readonly start: number;
  readonly end: number;
}

/** A piece lies between two neighbours of all instants at which any break begins or ends; pieces have numbers. */
export class BreakCover {
  readonly #pieceAt: ReadonlyMap<number, number>;
  readonly #hiding: Uint32Array;
  readonly #mustHide: Uint8Array;

  /**
   * @param places where breaks are
   * @param wanted where they are to be: the time that has to stay hidden
   */
  constructor(places: readonly Placed[], wanted: readonly Placed[]) {
    const instants = Float64Array.from(
      [...places, ...wanted].flatMap(({ start, end }) => [start, end]),
    ).sort();
    const pieceAt = new Map<number, number>();
    for (const at of instants) if (!pieceAt.has(at)) pieceAt.set(at, pieceAt.size);
    this.#pieceAt = pieceAt;
    this.#hiding = new Uint32Array(pieceAt.size);
    this.#mustHide = new Uint8Array(pieceAt.size);
    for (const one of places) this.put(one);
    for (const one of wanted) this.#mustHide.fill(1, this.#piece(one.start), this.#piece(one.end));
  }

  /** @returns the pieces that were hidden once before, and are now by another as well */
  put(place: Placed): number[] {
    const doubled: number[] = [];
    const end = this.#piece(place.end);
    for (let piece = this.#piece(place.start); piece < end; piece++) {
      const hiding = (this.#hiding[piece] ?? 0) + 1;
      this.#hiding[piece] = hiding;
      if (hiding === 2) doubled.push(piece);
    }
    return doubled;
  }

  take(place: Placed): void {
    const end = this.#piece(place.end);
    for (let piece = this.#piece(place.start); piece < end; piece++) {
      this.#hiding[piece] = (this.#hiding[piece] ?? 0) - 1;
    }
  }

  /** A piece that has to stay hidden, and would not be if the break there went elsewhere. */
  leftBy(from: Placed, to: Placed): number | undefined {
    const [start, end] = [this.#piece(to.start), this.#piece(to.end)];
    const last = this.#piece(from.end);
    for (let piece = this.#piece(from.start); piece < last; piece++) {
      const isAlone = this.#hiding[piece] === 1 && this.#mustHide[piece] === 1;
      if (isAlone && (piece < start || piece >= end)) return piece;
    }
    return undefined;
  }

  #piece(at: number): number {
    return this.#pieceAt.get(at) ?? 0;
  }
}
