// What changes about the addresses of a chaos run: services vanish and come back, addresses are taken from the client and
// given back, and readings fall behind. Some of it is told, and all of it is undone at the end without a word.
import type { Sandbox } from '../../src/sandbox/index.js';
import type { InvariantChecker } from './invariants.js';
import type { Storm } from './load.js';
import { SeededRandom } from './seeded-random.js';
import type { World, WorldCalendar } from './world.js';

export interface EstateChangesOptions {
  readonly sandbox: Sandbox;
  readonly world: World;
  readonly invariants: InvariantChecker;
  readonly seed: number;
  /** Whether addresses are unassigned: what patients do there meanwhile is told to nobody, and takes a minute to find. */
  readonly unassigns: boolean;
}

const PAUSE_MS = [300, 1_500] as const;
/** As long as was seen, and longer than a publish takes to read again. */
const LAGS_MS = [0, 0, 400, 1_500, 5_000] as const;

export class EstateChanges {
  readonly #options: EstateChangesOptions;
  readonly #unassigned = new Set<WorldCalendar>();
  /** By calendar, the id of the service that is gone. */
  readonly #gone = new Map<WorldCalendar, string>();
  #made = 0;

  constructor(options: EstateChangesOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#made;
  }

  async work(storm: Storm): Promise<void> {
    const { world, sandbox, seed, unassigns } = this.#options;
    const rng = new SeededRandom(seed, 4);
    while (await storm.pause(rng.int(...PAUSE_MS))) {
      const calendar = rng.pick(world.calendars);
      const told = rng.chance(0.5);
      const what = rng.int(1, 100);
      if (calendar === undefined) continue;
      this.#made += 1;
      if (what <= 25) sandbox.setReadLag(rng.pick(LAGS_MS));
      else if (what <= 65 || !unassigns)
        this.#changeServices(calendar, rng.pick(calendar.services)?.id, told);
      else this.#changeAddress(calendar, told);
    }
  }

  /** Everything is as it was at first, and nobody is told. */
  restore(): void {
    this.#options.sandbox.setReadLag(0);
    for (const calendar of this.#unassigned) this.#changeAddress(calendar, false);
    for (const calendar of this.#gone.keys()) this.#changeServices(calendar, undefined, false);
  }

  /** The service goes; where one is gone, that one comes back instead. */
  #changeServices(calendar: WorldCalendar, id: string | undefined, told: boolean): void {
    const { sandbox, invariants } = this.#options;
    if (!this.#gone.delete(calendar) && id !== undefined) this.#gone.set(calendar, id);
    const services = calendar.services.filter((service) => service.id !== this.#gone.get(calendar));
    invariants.aroundServices(calendar, () => {
      sandbox.setServices(
        calendar,
        services.map((service) => ({ id: service.id })),
        { told },
      );
    });
  }

  #changeAddress(calendar: WorldCalendar, told: boolean): void {
    const { sandbox } = this.#options;
    if (this.#unassigned.delete(calendar)) sandbox.assignAddress(calendar, { told });
    else {
      this.#unassigned.add(calendar);
      sandbox.unassignAddress(calendar, { told });
    }
  }
}
