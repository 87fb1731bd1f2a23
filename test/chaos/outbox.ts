// What brings events to the engine, by HTTP or by its queue, and sends them again under the same ids until they are
// acknowledged, however often the engine or its servers are gone meanwhile.
import { setTimeout as sleep } from 'node:timers/promises';
import got, { type Got, HTTPError } from 'got';
import type { EventsResult } from '../../src/clinic/events-result.js';
import { OccupancyProducer } from '../../src/clinic/occupancy-producer.js';
import type { ClinicEvent, Model, Road } from './model.js';

export interface OutboxOptions {
  readonly apiUrl: string;
  readonly apiKey: string;
  /** Where the queue is; without it, HTTP is the only road. */
  readonly queue?: { readonly redisUrl: string } | { readonly databaseUrl: string };
  readonly model: Model;
  /** A violation of what the API promises. */
  readonly onWrong: (what: string) => void;
}

/** At the same time. More would only keep this process, which is the marketplace too, from its work. */
const MAX_SENDERS = 12;
const FIRST_AGAIN_MS = 100;
const LAST_AGAIN_MS = 1_000;
const PATIENCE_MS = 30_000;

export class Outbox {
  readonly roads: readonly [Road, ...Road[]];
  readonly #options: OutboxOptions;
  readonly #http: Got;
  readonly #producer: OccupancyProducer | undefined;
  readonly #waiting: (() => void)[] = [];
  #senders = 0;
  #closed = false;
  #events = 0;
  #deliveries = 0;
  #failures = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.roads = options.queue === undefined ? ['http'] : ['http', 'queue'];
    this.#producer = options.queue && new OccupancyProducer(options.queue);
    this.#http = got.extend({
      prefixUrl: options.apiUrl,
      headers: { authorization: `Bearer ${options.apiKey}` },
      retry: { limit: 0 },
      timeout: { request: PATIENCE_MS },
    });
  }

  /** Events acknowledged (copies included), deliveries that were acknowledged, and those that failed and were repeated. */
  get counts(): { readonly events: number; readonly deliveries: number; readonly failures: number } {
    return { events: this.#events, deliveries: this.#deliveries, failures: this.#failures };
  }

  /** Resolves when all of them are acknowledged. */
  async send(events: readonly ClinicEvent[], road: Road): Promise<void> {
    const { model } = this.#options;
    for (const event of events) model.sent(event, Date.now());
    for (let again = FIRST_AGAIN_MS; !(await this.#delivered(events, road)); again *= 2) {
      this.#failures += 1;
      if (this.#closed) throw new Error('the run is over');
      await sleep(Math.min(again, LAST_AGAIN_MS));
    }
    for (const event of events) model.acknowledged(event, road, Date.now());
    this.#events += events.length;
    this.#deliveries += 1;
  }

  /** Ends what is still being tried: it rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#producer?.close();
  }

  async #delivered(events: readonly ClinicEvent[], road: Road): Promise<boolean> {
    if (this.#senders >= MAX_SENDERS) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#senders += 1;
    try {
      if (road === 'queue') await this.#enqueue(events);
      else this.#check(await this.#http.post('v1/events', { json: { events } }).json(), events);
      return true;
    } catch (error) {
      // 503 is how it says that its servers are away; everything else that is answered is a mistake.
      if (error instanceof HTTPError && error.response.statusCode !== 503) {
        this.#options.onWrong(`events were answered ${error.response.statusCode}: ${error.response.body}`);
      }
      return false;
    } finally {
      this.#senders -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #enqueue(events: readonly ClinicEvent[]): Promise<void> {
    const patience = sleep(PATIENCE_MS, undefined, { ref: false }).then(() => {
      throw new Error('the queue did not answer');
    });
    await Promise.race([this.#producer?.enqueue([...events]), patience]);
  }

  #check(result: EventsResult, events: readonly ClinicEvent[]): void {
    const { accepted, duplicates, stale, ignored, rejected } = result;
    for (const { id, reason } of rejected) this.#options.onWrong(`event ${id} was rejected: ${reason}`);
    const sum = accepted + duplicates + stale + ignored + rejected.length;
    if (sum !== events.length) this.#options.onWrong(`of ${events.length} events ${sum} were accounted for`);
  }
}
