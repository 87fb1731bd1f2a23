// Those who are not the clinic's: patients book what they see, move it and cancel it, and doctors make breaks, move and remove
// them, in the marketplace itself. What they have at the end is the truth about it, and nobody else may end it.
import { addDays, startOfDate } from '../../src/core/index.js';
import type { Sandbox } from '../../src/sandbox/index.js';
import type { InvariantChecker } from './invariants.js';
import type { Storm } from './load.js';
import type { Model, Span } from './model.js';
import { SeededRandom } from './seeded-random.js';
import type { World, WorldCalendar } from './world.js';

export interface PeopleOptions {
  readonly sandbox: Sandbox;
  readonly world: World;
  readonly model: Model;
  readonly invariants: InvariantChecker;
  readonly seed: number;
  readonly onWrong: (what: string) => void;
}

/** Half-open, epoch milliseconds. */
export interface Standing extends Span {
  /** The visit booking's, or the break's. */
  readonly id: string;
}

interface Visit {
  readonly start: string;
  readonly serviceId: string;
  /** Minutes. */
  readonly duration: number;
}

const MINUTE = 60_000;
const PAUSE_MS = [200, 1_200] as const;
const BREAK = 'a break of the doctor';
/** News of a break say whole seconds: two moves within one have no order. Contract: Hosts. */
const MOVES_APART_MS = 2_000;

export class People {
  readonly #options: PeopleOptions;
  /** By break, in epoch milliseconds. */
  readonly #moved = new Map<string, number>();
  readonly #standing = new Map<string, { readonly bookings: Set<string>; readonly breaks: Set<string> }>();
  #visits = 0;

  constructor(options: PeopleOptions) {
    this.#options = options;
    for (const { id } of options.world.calendars) {
      this.#standing.set(id, { bookings: new Set(), breaks: new Set() });
    }
  }

  /** Bookings that patients made, those that they moved to included. */
  get visits(): number {
    return this.#visits;
  }

  async work(storm: Storm): Promise<void> {
    const { world, seed } = this.#options;
    const heard = world.calendars.filter(({ account }) => account.hears !== 'off');
    await Promise.all(
      heard.map((calendar, n) => this.#live(calendar, new SeededRandom(seed, 200 + n), storm)),
    );
  }

  /** One more break in each account: what was held back so that later news overtake it is overtaken by that one's. */
  lastAct(): void {
    const { world, sandbox, seed, invariants } = this.#options;
    const rng = new SeededRandom(seed, 300);
    for (const { id, hears } of world.accounts) {
      const calendar = world.calendars.find(({ account }) => account.id === id);
      if (hears === 'off' || calendar === undefined) continue;
      let range = this.#free(calendar, rng);
      while (range === undefined) range = this.#free(calendar, rng);
      const made = { ...range, description: BREAK };
      invariants.around(calendar, () => this.#of(calendar).breaks.add(sandbox.addBreak(calendar, made).id));
    }
  }

  bookings(calendar: WorldCalendar): Standing[] {
    return this.#options.sandbox
      .bookings(calendar)
      .filter(({ status, booked_by: by }) => status === 'booked' && by === 'user')
      .map(({ id, start_at, end_at }) => ({ id, start: Date.parse(start_at), end: Date.parse(end_at) }));
  }

  breaks(calendar: WorldCalendar): Standing[] {
    return this.#options.sandbox
      .breaks(calendar)
      .filter(({ description }) => description === BREAK)
      .map(({ id, since, till }) => ({ id, start: Date.parse(since), end: Date.parse(till) }));
  }

  /** Tells the model what they took, and says what became of it that none of them did. */
  check(): void {
    const { world, model, onWrong } = this.#options;
    for (const calendar of world.calendars) {
      const [bookings, breaks] = [this.bookings(calendar), this.breaks(calendar)];
      model.tookOthers(calendar.id, [...bookings, ...breaks]);
      const mine = this.#of(calendar);
      for (const [what, known, now] of [
        ['bookings', mine.bookings, bookings],
        ['breaks', mine.breaks, breaks],
      ] as const) {
        const [had, has] = [
          [...known].sort().join(),
          now
            .map(({ id }) => id)
            .sort()
            .join(),
        ];
        if (had !== has) onWrong(`${calendar.id}: of people's ${what} [${had}] there are [${has}]`);
      }
    }
  }

  async #live(calendar: WorldCalendar, rng: SeededRandom, storm: Storm): Promise<void> {
    while (await storm.pause(rng.int(...PAUSE_MS))) {
      this.#options.invariants.around(calendar, () => this.#act(calendar, rng));
    }
  }

  #act(calendar: WorldCalendar, rng: SeededRandom): void {
    const { sandbox } = this.#options;
    const { bookings, breaks } = this.#of(calendar);
    const what = rng.int(1, 100);
    if (what <= 55) {
      const visit = this.#choose(calendar, rng);
      if (visit === undefined) return;
      bookings.add(sandbox.book(calendar, visit).id);
      this.#visits += 1;
    } else if (what <= 85) {
      const id = rng.pick([...bookings]);
      const to = what <= 70 ? this.#choose(calendar, rng) : undefined;
      if (id === undefined) return;
      if (to === undefined) {
        sandbox.cancel(id);
      } else {
        bookings.add(sandbox.move(id, to).id);
        this.#visits += 1;
      }
      bookings.delete(id);
    } else if (what <= 91) {
      const range = this.#free(calendar, rng);
      if (range !== undefined) breaks.add(sandbox.addBreak(calendar, { ...range, description: BREAK }).id);
    } else if (what <= 95) {
      const id = rng.pick([...breaks]);
      const range = this.#free(calendar, rng);
      const now = Date.now();
      if (id === undefined || range === undefined) return;
      if (now - (this.#moved.get(id) ?? 0) < MOVES_APART_MS) return;
      this.#moved.set(id, now);
      sandbox.moveBreak(id, range);
    } else {
      const id = rng.pick([...breaks]);
      if (id === undefined) return;
      breaks.delete(id);
      sandbox.removeBreak(id);
    }
  }

  /** Where no break of the doctor is that is just the same. */
  #free(calendar: WorldCalendar, rng: SeededRandom): { since: Date; till: Date } | undefined {
    const midnight = startOfDate(rng.pick(calendar.dates), calendar.account.timeZone);
    const since = midnight + rng.int(16, 34) * 30 * MINUTE;
    const till = since + rng.int(2, 12) * 5 * MINUTE;
    const isThere = this.breaks(calendar).some(({ start, end }) => start === since && end === till);
    return isThere ? undefined : { since: new Date(since), till: new Date(till) };
  }

  /** One of the visits that a patient sees. One that moves to another service takes as long as that does. */
  #choose(calendar: WorldCalendar, rng: SeededRandom): Visit | undefined {
    const { timeZone } = calendar.account;
    const last = calendar.dates.at(-1) ?? calendar.dates[0];
    const [from, to] = [startOfDate(calendar.dates[0], timeZone), startOfDate(addDays(last, 1), timeZone)];
    const seen = rng.pick(this.#options.sandbox.patientView(calendar, from, to));
    const serviceId = rng.pick(seen?.services ?? []);
    const duration = calendar.services.find(({ id }) => id === serviceId)?.duration;
    if (seen === undefined || serviceId === undefined || duration === undefined) return undefined;
    return { start: seen.start, serviceId, duration };
  }

  #of(calendar: WorldCalendar) {
    const known = this.#standing.get(calendar.id);
    if (known === undefined) throw new Error(`there is no calendar ${calendar.id}`);
    return known;
  }
}
