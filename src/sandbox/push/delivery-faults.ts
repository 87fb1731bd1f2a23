// Notifications that come twice, after later ones, late or not at all, on demand. Deterministic: the same seed and the same
// notifications in the same order meet the same fate.
import { z } from 'zod';
import { type Random, seededRandom } from '../random.js';

const probability = z.number().min(0).max(1).default(0);
const ms = z.number().nonnegative();

export const disorderSchema = z.strictObject({
  /** Of being sent, or queued for pulling, twice. */
  repeat: probability,
  /** Of being sent after later ones, or queued before earlier ones. */
  shuffle: probability,
  /** Of being neither pushed nor queued. */
  lose: probability,
  /** Each push waits so many milliseconds of the sandbox's clock; for pulling it changes nothing. */
  delayMs: z
    .strictObject({ min: ms, max: ms })
    .refine(({ min, max }) => min <= max, 'has a max that is less than its min')
    .optional(),
});

export type Disorder = z.input<typeof disorderSchema>;
export type KnownDisorder = z.output<typeof disorderSchema>;

/** What becomes of one notification for one client. */
export interface Fate {
  readonly isLost: boolean;
  /** Milliseconds, one for each time that it is sent. */
  readonly delays: readonly number[];
  readonly isOvertaken: boolean;
  /** In [0, 1): where among those that wait to be pulled it goes when it is out of order. */
  readonly place: number;
}

export class Dice {
  readonly #seed: number;
  #random: Random;
  #disorder: KnownDisorder;

  constructor(seed: number, disorder: KnownDisorder) {
    this.#seed = seed;
    this.#disorder = disorder;
    this.#random = seededRandom(seed);
  }

  /** From now on; the stream begins anew. */
  set(disorder: KnownDisorder): void {
    this.#disorder = disorder;
    this.#random = seededRandom(this.#seed);
  }

  /** Takes as many numbers from the stream whatever is asked for, so that one probability does not disturb another. */
  draw(): Fate {
    const { repeat, shuffle, lose, delayMs } = this.#disorder;
    const isLost = this.#random() < lose;
    const isRepeated = this.#random() < repeat;
    const isOvertaken = this.#random() < shuffle;
    const [min, span] = delayMs === undefined ? [0, 0] : [delayMs.min, delayMs.max - delayMs.min];
    const delays = [this.#random(), this.#random()].map((share) => min + share * span);
    const place = this.#random();
    return { isLost, delays: isRepeated ? delays : delays.slice(0, 1), isOvertaken, place };
  }
}
