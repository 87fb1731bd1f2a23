// Somebody who cannot make up his mind: calendars go from one strategy to another in the middle of the storm, and once
// more when it is over. A change is repeated until it is acknowledged, and the next one comes after that.
import { setTimeout as sleep } from 'node:timers/promises';
import got, { type Got, HTTPError } from 'got';
import type { Strategy } from '../../src/db/schema.js';
import type { Storm } from './load.js';
import type { Model } from './model.js';
import { SeededRandom } from './seeded-random.js';
import { calendarBody, STRATEGIES, type World, type WorldCalendar } from './world.js';

export interface SwitcherOptions {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly world: World;
  readonly model: Model;
  readonly seed: number;
  readonly onWrong: (what: string) => void;
}

const AGAIN_MS = 200;
const PAUSE_MS = [1_500, 6_000] as const;

export class Switcher {
  readonly #options: SwitcherOptions;
  readonly #http: Got;
  #switches = 0;

  constructor(options: SwitcherOptions) {
    this.#options = options;
    this.#http = got.extend({
      prefixUrl: `${options.apiUrl}/v1/calendars`,
      headers: { authorization: `Bearer ${options.apiKey}` },
      retry: { limit: 0 },
      // One that is given up may still be carried out, after the next one.
      timeout: { request: 300_000 },
    });
  }

  get switches(): number {
    return this.#switches;
  }

  /** Makes the calendars as they are at first. */
  async begin(): Promise<void> {
    await Promise.all(this.#options.world.calendars.map((one) => this.#put(one, one.strategy)));
  }

  async work(storm: Storm): Promise<void> {
    const { world, seed } = this.#options;
    const changing = world.calendars.filter(({ changesStrategy }) => changesStrategy);
    await Promise.all(changing.map((one, n) => this.#waver(one, new SeededRandom(seed, 100 + n), storm)));
  }

  async #waver(calendar: WorldCalendar, rng: SeededRandom, storm: Storm): Promise<void> {
    while (await storm.pause(rng.int(...PAUSE_MS))) await this.#put(calendar, rng.pick(STRATEGIES));
    await this.#put(calendar, rng.pick(STRATEGIES));
  }

  async #put(calendar: WorldCalendar, strategy: Strategy): Promise<void> {
    const { model, onWrong } = this.#options;
    if (model.strategyOf(calendar.id) !== strategy) this.#switches += 1;
    const acknowledge = model.strategySent(calendar.id, strategy, Date.now());
    for (;;) {
      try {
        await this.#http.put(calendar.id, { json: calendarBody(calendar, strategy) });
        acknowledge(Date.now());
        return;
      } catch (error) {
        if (error instanceof HTTPError && error.response.statusCode !== 503) {
          onWrong(`a strategy was answered ${error.response.statusCode}: ${error.response.body}`);
        }
        await sleep(AGAIN_MS);
      }
    }
  }
}
