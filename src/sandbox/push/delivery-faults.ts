// Injects faults into the delivery of notifications: repeated, reordered, delayed or lost. Equal notifications in an equal order
// with an equal seed get equal faults.
import { z } from 'zod';
import { type Random, seededRandom } from '../random.js';

const probability = z.number().min(0).max(1).default(0);
const ms = z.number().nonnegative();

export const deliveryFaultsSchema = z.strictObject({
  /** The probability that a notification is sent, or queued for pulling, twice. */
  repeat: probability,
  /** The probability that a notification is sent after later ones, or queued before earlier ones. */
  shuffle: probability,
  /** The probability that a notification is neither pushed nor queued. */
  lose: probability,
  /** The delay of each push in milliseconds of the sandbox's clock; pulling has no delay. */
  delayMs: z
    .strictObject({ min: ms, max: ms })
    .refine(({ min, max }) => min <= max, 'has a max that is less than its min')
    .optional(),
});

export type DeliveryFaults = z.input<typeof deliveryFaultsSchema>;
export type ParsedDeliveryFaults = z.output<typeof deliveryFaultsSchema>;

/** How one notification is delivered to one client. */
export interface DeliveryPlan {
  readonly isLost: boolean;
  /** One delay in milliseconds for each time that the notification is sent. */
  readonly delays: readonly number[];
  readonly isOvertaken: boolean;
  /** In [0, 1): the relative position in the pull queue of a notification that is out of order. */
  readonly queuePosition: number;
}

export class DeliveryFaultInjector {
  readonly #seed: number;
  #random: Random;
  #faults: ParsedDeliveryFaults;

  constructor(seed: number, faults: ParsedDeliveryFaults) {
    this.#seed = seed;
    this.#faults = faults;
    this.#random = seededRandom(seed);
  }

  /** Replaces the faults and restarts the random stream. */
  set(faults: ParsedDeliveryFaults): void {
    this.#faults = faults;
    this.#random = seededRandom(this.#seed);
  }

  /** Always draws the same count of random numbers, so that a change of one probability does not change the other faults. */
  draw(): DeliveryPlan {
    const { repeat, shuffle, lose, delayMs } = this.#faults;
    const isLost = this.#random() < lose;
    const isRepeated = this.#random() < repeat;
    const isOvertaken = this.#random() < shuffle;
    const [min, span] = delayMs === undefined ? [0, 0] : [delayMs.min, delayMs.max - delayMs.min];
    const delays = [this.#random(), this.#random()].map((share) => min + share * span);
    const queuePosition = this.#random();
    return { isLost, delays: isRepeated ? delays : delays.slice(0, 1), isOvertaken, queuePosition };
  }
}
