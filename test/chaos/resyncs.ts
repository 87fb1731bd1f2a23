// Somebody who asks for resyncs whenever he likes: of everything, of some calendars, only to look. Every one that was
// begun has to end; and one that is asked for at rest finds nothing and writes nothing.
import { setTimeout as sleep } from 'node:timers/promises';
import got, { type Got, HTTPError } from 'got';
import type { ResyncReport, ResyncRequest } from '../../src/api/resyncs-api.js';
import type { Storm } from './load.js';
import { SeededRandom } from './seeded-random.js';
import type { World } from './world.js';

export interface ResyncsOptions {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly world: World;
  readonly seed: number;
  readonly onWrong: (what: string) => void;
}

const AGAIN_MS = 200;
const LOOK_EVERY_MS = 100;
const PAUSE_MS = [200, 2_000] as const;

export class Resyncs {
  readonly #options: ResyncsOptions;
  readonly #http: Got;
  /** By id, for how many calendars it was asked for at least. */
  readonly #begun = new Map<string, number>();
  #dryRuns = 0;

  constructor(options: ResyncsOptions) {
    this.#options = options;
    this.#http = got.extend({
      prefixUrl: `${options.apiUrl}/v1`,
      headers: { authorization: `Bearer ${options.apiKey}` },
      retry: { limit: 0 },
      timeout: { request: 60_000 },
    });
  }

  /** Those that were begun; one that was asked for again while it was under way is one. */
  get counts(): { readonly resyncs: number; readonly dryRuns: number } {
    return { resyncs: this.#begun.size, dryRuns: this.#dryRuns };
  }

  async work(storm: Storm): Promise<void> {
    const rng = new SeededRandom(this.#options.seed, 3);
    while (await storm.pause(rng.int(...PAUSE_MS))) await this.#begin(this.#request(rng));
  }

  #request(rng: SeededRandom): ResyncRequest {
    const ids = this.#options.world.calendars.map(({ id }) => id);
    const calendars = rng.chance(0.5) ? undefined : rng.shuffled(ids).slice(0, rng.int(1, 3));
    return {
      ...(calendars === undefined ? {} : { calendars }),
      ...(rng.chance(0.3) ? { dryRun: true } : {}),
    };
  }

  /** Asks until it is answered. One whose answer was lost may be under way, and is then joined. */
  async #begin(request: ResyncRequest): Promise<string> {
    for (;;) {
      try {
        const { id } = await this.#http.post('resync', { json: request }).json<{ id: string }>();
        const asked = request.calendars?.length ?? this.#options.world.calendars.length;
        if (!this.#begun.has(id) && request.dryRun === true) this.#dryRuns += 1;
        this.#begun.set(id, Math.max(asked, this.#begun.get(id) ?? 0));
        return id;
      } catch (error) {
        if (error instanceof HTTPError && error.response.statusCode !== 503) {
          this.#options.onWrong(`a resync was answered ${error.response.statusCode}: ${error.response.body}`);
        }
        await sleep(AGAIN_MS);
      }
    }
  }

  /** Those that have not ended, in words. */
  async underWay(): Promise<string[]> {
    const reports = await Promise.all([...this.#begun.keys()].map((id) => this.#report(id)));
    return reports
      .filter(({ finishedAt }) => finishedAt === null)
      .map(({ id, calendars, calendarsDone, dryRun }) => {
        return `${dryRun ? 'dry run' : 'resync'} ${id} is through with ${calendarsDone} of ${calendars} calendars`;
      });
  }

  /** Every one that has ended is through with all that it was asked for, and only those that write have written. */
  async check(): Promise<void> {
    const { onWrong } = this.#options;
    for (const [id, asked] of this.#begun) {
      const { state, dryRun, writes, calendars, calendarsDone, failures } = await this.#report(id);
      const name = `resync ${id}`;
      if (state === 'running') onWrong(`${name} has not ended`);
      if (calendars < asked) onWrong(`${name} was asked for ${asked} calendars, and is of ${calendars}`);
      // What failed is through, too.
      if (state !== 'running' && calendarsDone < calendars) {
        onWrong(`${name} ended after ${calendarsDone} of ${calendars} calendars, ${failures.length} failed`);
      }
      if (dryRun && writes > 0) onWrong(`${name} was a dry run and wrote ${writes} times`);
    }
  }

  /** One of everything, from its beginning to its end; undefined when it does not end by the deadline. */
  async complete(deadline: number): Promise<ResyncReport | undefined> {
    const id = await this.#begin({});
    for (; Date.now() < deadline; await sleep(LOOK_EVERY_MS)) {
      const report = await this.#report(id);
      if (report.finishedAt !== null) return report;
    }
    this.#options.onWrong(`resync ${id}, asked for at rest, did not end`);
    return undefined;
  }

  #report(id: string): Promise<ResyncReport> {
    return this.#http.get(`resync/${id}`, { retry: { limit: 3 } }).json<ResyncReport>();
  }
}
