// Everything random of a chaos run, drawn from its seed: each user has a stream of its own, so that one that throws more
// often does not disturb the others.
import { type Random, seededStream } from '../../src/sandbox/random.js';

export class SeededRandom {
  readonly #random: Random;

  constructor(seed: number, stream: number) {
    this.#random = seededStream(seed, stream);
  }

  /** A whole number, both bounds included. */
  int(from: number, to: number): number {
    return from + Math.floor(this.#random() * (to - from + 1));
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  pick<T>(list: readonly [T, ...T[]]): T;
  pick<T>(list: readonly T[]): T | undefined;
  pick<T>(list: readonly T[]): T | undefined {
    return list[this.int(0, list.length - 1)];
  }

  shuffled<T>(list: readonly T[]): T[] {
    return list
      .map((value) => ({ value, rank: this.#random() }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ value }) => value);
  }
}
