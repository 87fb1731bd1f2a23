// A clinic of a chaos run: its desk books, moves, frees, closes and opens days, in bursts, and its software sends that
// late, twice, in any order and over two roads, until every event is acknowledged.
import { setTimeout as sleep } from 'node:timers/promises';
import { startOfDate, toIso } from '../../src/core/index.js';
import type { Storm } from './load.js';
import type { Available, ClinicEvent, ClinicWindow, Occupied, Released, Road } from './model.js';
import { datesFrom } from './model.js';
import type { Outbox } from './outbox.js';
import { SeededRandom } from './seeded-random.js';
import type { WorldCalendar } from './world.js';

const MINUTE = 60_000;
/** How many times slower it is where the storm has to wait for the engine: what nobody takes in would else only grow. */
const MILD = 20;

type RefEvent = Occupied | Released;

export interface Pace {
  /** Milliseconds between two bursts, from and to. */
  readonly everyMs: readonly [number, number];
  /** The largest burst. */
  readonly most: number;
}

export class Clinic {
  readonly #calendar: WorldCalendar;
  readonly #outbox: Outbox;
  readonly #rng: SeededRandom;
  readonly #pace: Pace;
  readonly #roads: readonly [Road, ...Road[]];
  /** Of `available` events, whose order is what they say: always the same one. */
  readonly #windowRoad: Road;
  readonly #versions = new Map<string, number>();
  readonly #booked: string[] = [];
  readonly #recent: RefEvent[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #windows: Promise<void> = Promise.resolve();
  #made = 0;

  constructor(calendar: WorldCalendar, outbox: Outbox, seed: number, stream: number, pace: Pace) {
    this.#calendar = calendar;
    this.#outbox = outbox;
    this.#rng = new SeededRandom(seed, stream);
    this.#pace = pace;
    this.#roads = outbox.roads;
    this.#windowRoad = this.#rng.pick(outbox.roads);
  }

  /** Resolves when it is over and every event is acknowledged. */
  async work(storm: Storm): Promise<void> {
    const { dates } = this.#calendar;
    this.#open(dates[0], dates.at(-1) ?? dates[0], false);
    this.#keep();
    while (this.#calendar.wavers && !storm.isMild && !storm.isOver) {
      const waver = this.#waver();
      this.#track(waver);
      await waver;
    }
    while (!storm.isOver) {
      if (this.#rng.chance(0.12)) this.#reopen();
      if (this.#rng.chance(0.15)) this.#track(this.#waver());
      this.#burst();
      await storm.pause(this.#rng.int(...this.#pace.everyMs) * (storm.isMild ? MILD : 1));
    }
    await this.#lastWord();
    await this.#windows;
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  #burst(): void {
    const rng = this.#rng;
    const size = rng.chance(0.25) ? rng.int(2, this.#pace.most) : rng.int(1, 3);
    const events: RefEvent[] = Array.from({ length: size }, () => this.#refEvent());
    // What was sent before comes again: as it was, or from a system that makes a new id.
    for (const event of [...this.#recent, ...events]) {
      if (rng.chance(0.05)) events.push(event);
      if (rng.chance(0.02)) events.push({ ...event, id: this.#id() });
    }
    this.#recent.push(...events);
    this.#recent.splice(0, this.#recent.length - 20);

    const late = events.filter(() => rng.chance(0.06));
    const batches = rng.int(1, 3);
    const shuffled = rng.shuffled(events.filter((event) => !late.includes(event)));
    for (let n = 0; n < batches; n += 1) {
      this.#send(shuffled.filter((_, index) => index % batches === n));
    }
    for (const event of late) this.#track(sleep(rng.int(500, 4_000)).then(() => this.#send([event])));
  }

  #refEvent(): RefEvent {
    const rng = this.#rng;
    const what = rng.int(1, 100);
    if (what <= 45) {
      const known = rng.chance(0.4) ? rng.pick(this.#booked) : undefined;
      const ref = known ?? `apt-${this.#booked.length + 1}`;
      if (known === undefined) this.#booked.push(ref);
      return this.#occupied(ref, ...this.#appointment());
    }
    if (what <= 80) {
      const ref = rng.pick(this.#booked);
      return ref === undefined ? this.#occupied('block-0', ...this.#appointment()) : this.#released(ref);
    }
    const date = rng.pick(this.#calendar.dates);
    // The whole day is taken, or is free again.
    if (what <= 88) return this.#occupied(`block-${date}`, ...this.#wholeDay(date));
    return this.#released(`block-${date}`);
  }

  /** Booked, freed, booked again, each published in between or not: what the duplicate rule punishes. */
  async #waver(): Promise<void> {
    const rng = this.#rng;
    const { dates } = this.#calendar;
    const date = rng.pick(dates);
    const isDay = rng.chance(0.4);
    const ref = isDay ? `block-${date}` : 'waver';
    const span = isDay ? this.#wholeDay(date) : this.#bookable(dates[0]);
    const turns = rng.int(3, 6);
    const pauses = Array.from({ length: turns }, () => rng.int(60, 900));
    for (const [turn, pause] of pauses.entries()) {
      this.#send([turn % 2 === 0 ? this.#occupied(ref, ...span) : this.#released(ref)], 'http');
      await sleep(pause);
    }
  }

  /** Every day changes a few times more, faster than it can be published: the last change must not be lost in the others. */
  async #lastWord(): Promise<void> {
    this.#keep();
    const spans = this.#calendar.dates.map((date) => ({
      ref: `last-${date}`,
      span: this.#appointment(date),
    }));
    const turns = this.#rng.int(5, 8);
    const pauses = Array.from({ length: turns }, () => this.#rng.int(40, 300));
    for (const [turn, pause] of pauses.entries()) {
      for (const { ref, span } of spans) {
        this.#send([turn % 2 === 0 ? this.#occupied(ref, ...span) : this.#released(ref)], 'http');
      }
      await sleep(pause);
    }
  }

  /** Every date has an appointment that a placeholder can stand for; said again, it has moved. */
  #keep(): void {
    this.#send(this.#calendar.dates.map((date) => this.#occupied(`kept-${date}`, ...this.#bookable(date))));
  }

  #reopen(): void {
    const { dates } = this.#calendar;
    const first = this.#rng.int(0, dates.length - 1);
    const last = this.#rng.int(first, dates.length - 1);
    this.#open(dates[first] ?? dates[0], dates[last] ?? dates[0], this.#rng.chance(0.3));
  }

  /** Replaces the windows of the clinic's dates in this range; the next one leaves when this one is acknowledged. */
  #open(from: string, to: string, closed: boolean): void {
    const windows = datesFrom(from, to)
      .filter((date) => this.#calendar.dates.includes(date))
      .flatMap((date) => (closed ? [] : this.#windowsOf(date)));
    const event: Available = {
      id: this.#id(),
      type: 'available',
      calendar: this.#calendar.id,
      from,
      to,
      windows,
    };
    this.#windows = this.#windows.then(() => this.#outbox.send([event], this.#windowRoad));
  }

  #windowsOf(date: string): ClinicWindow[] {
    const { roundTheClock, services } = this.#calendar;
    const [visit, checkUp] = services;
    if (roundTheClock) {
      const next = datesFrom(date, date).map((day) => Date.parse(day) + 86_400_000)[0] ?? 0;
      const end = `${new Date(next).toISOString().slice(0, 10)}T00:00:00`;
      return [{ start: `${date}T00:00:00`, end, services: services.slice(0, 1) }];
    }
    const insurance = { accepted: 'with-insurance-only' as const, providers: ['5'] };
    const morning = { start: `${date}T08:00:00`, end: `${date}T12:00:00`, services };
    // One of few, so that a day often gets back what it had.
    switch (this.#rng.int(1, 3)) {
      case 1:
        return [morning];
      case 2:
        return [
          morning,
          { start: `${date}T13:00:00`, end: `${date}T17:30:00`, services: visit ? [visit] : [] },
        ];
      default:
        return [
          {
            start: `${date}T10:00:00`,
            end: `${date}T15:00:00`,
            services: checkUp ? [checkUp] : [],
            insurance,
          },
        ];
    }
  }

  /** @returns ISO instants */
  #appointment(date: string = this.#rng.pick(this.#calendar.dates)): readonly [string, string] {
    if (this.#rng.chance(0.4)) return this.#bookable(date);
    const midnight = startOfDate(date, this.#calendar.account.timeZone);
    const reachesOver = this.#rng.chance(0.04);
    const start = midnight + (reachesOver ? 23 * 60 : this.#rng.int(14, 36) * 30) * MINUTE;
    return this.#span(start, start + (reachesOver ? 120 : this.#rng.int(2, 18) * 5) * MINUTE);
  }

  /** With its buffer it begins where a visit of every duration may, so that a placeholder can stand for it. */
  #bookable(date: string): readonly [string, string] {
    const { account, roundTheClock, bufferBefore } = this.#calendar;
    const hour = this.#rng.pick(roundTheClock ? [9, 12] : [10, 11]);
    const start = startOfDate(date, account.timeZone) + (hour * 60 + bufferBefore) * MINUTE;
    return this.#span(start, start + this.#rng.int(2, 9) * 5 * MINUTE);
  }

  #wholeDay(date: string): readonly [string, string] {
    const midnight = startOfDate(date, this.#calendar.account.timeZone);
    return this.#span(midnight - 5 * MINUTE, midnight + 25 * 60 * MINUTE);
  }

  #span(start: number, end: number): readonly [string, string] {
    const zone = this.#calendar.account.timeZone;
    return [toIso(start, zone), toIso(end, zone)];
  }

  #occupied(ref: string, start: string, end: string): Occupied {
    return { ...this.#about(ref), type: 'occupied', start, end };
  }

  #released(ref: string): Released {
    return { ...this.#about(ref), type: 'released' };
  }

  #about(ref: string) {
    const version = (this.#versions.get(ref) ?? 0) + this.#rng.int(1, 2);
    this.#versions.set(ref, version);
    return { id: this.#id(), calendar: this.#calendar.id, ref, version };
  }

  #id(): string {
    this.#made += 1;
    return `${this.#calendar.id}/${this.#made}`;
  }

  #send(events: readonly ClinicEvent[], road: Road = this.#rng.pick(this.#roads)): void {
    if (events.length > 0) this.#track(this.#outbox.send(events, road));
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }
}
