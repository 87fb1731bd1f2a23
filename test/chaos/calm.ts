// After the storm: the engine comes to rest within a bound, and then the record, the marketplace and the model agree
// about every day, and nothing more is written.
import { setTimeout as sleep } from 'node:timers/promises';
import got, { type Got } from 'got';
import { addDays, bookableStarts, type Slot, sameSlots, startOfDate } from '../../src/core/index.js';
import type { Status } from '../../src/engine.js';
import type { Failure } from '../../src/failures-face.js';
import type { Sandbox } from '../../src/sandbox/index.js';
import type { DayReport } from '../../src/sync/day-report.js';
import type { Model } from './model.js';
import type { World, WorldCalendar } from './world.js';

export interface CalmOptions {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly sandbox: Sandbox;
  readonly world: World;
  readonly model: Model;
  readonly onWrong: (what: string) => void;
  readonly onProgress: (what: string) => void;
}

const LOOK_EVERY_MS = 200;
const TELL_EVERY_MS = 10_000;
/** Longer than a job that was forgotten about would need to show itself. */
const QUIET_MS = 1_500;

export class Calm {
  readonly #options: CalmOptions;
  readonly #http: Got;

  constructor(options: CalmOptions) {
    this.#options = options;
    this.#http = got.extend({
      prefixUrl: `${options.apiUrl}/v1`,
      headers: { authorization: `Bearer ${options.apiKey}` },
      timeout: { request: 10_000 },
    });
  }

  /** What a person would do about days and calendars that the marketplace refused. */
  async askForRetries(): Promise<void> {
    await this.#http.post('failed/retry', { json: {} }).json();
  }

  /** @param asks whether what is still refused by then is asked for again */
  async rest(deadline: number, asks: boolean): Promise<void> {
    for (let told = Date.now(); ; ) {
      const status = await this.#http.get('status').json<Status>();
      if (isAtRest(status)) return;
      if (Date.now() - told > TELL_EVERY_MS) {
        told = Date.now();
        this.#options.onProgress(`not at rest: ${JSON.stringify(status)}, ${await this.#waiting()}`);
      }
      if (asks && status.failed > 0) await this.askForRetries();
      if (Date.now() > deadline) {
        this.#options.onWrong(`it did not come to rest: ${JSON.stringify(status)}`);
        return;
      }
      await sleep(LOOK_EVERY_MS);
    }
  }

  /** What calendars say about why they wait. */
  async #waiting(): Promise<string> {
    const calendars = await this.#http.get('calendars').json<{ id: string; retrying: object | null }[]>();
    return JSON.stringify(calendars.filter(({ retrying }) => retrying !== null));
  }

  async check(): Promise<void> {
    const { sandbox, model, world, onWrong } = this.#options;
    if (model.open > 0) onWrong(`${model.open} events were never acknowledged`);
    const writes = countWrites(sandbox);
    await this.#compare(world.calendars);
    await sleep(QUIET_MS);
    if (countWrites(sandbox) !== writes) onWrong('it wrote although everything was published');
    const status = await this.#http.get('status').json<Status>();
    if (!isAtRest(status)) onWrong(`it did not stay at rest: ${JSON.stringify(status)}`);
    const { items } = await this.#http.get('failed').json<{ items: Failure[] }>();
    for (const { id, reason } of items) onWrong(`${id} failed: ${reason}`);
  }

  async #compare(calendars: readonly WorldCalendar[]): Promise<void> {
    const { model, onWrong } = this.#options;
    for (const calendar of calendars) {
      const { id, dates } = calendar;
      const query = { from: dates[0], to: dates.at(-1) ?? dates[0] };
      const days = await this.#http.get(`calendars/${id}/days`, { searchParams: query }).json<DayReport[]>();
      const reported = new Map(days.map((day) => [day.date, day]));
      for (const [date, wanted] of model.wanted(id)) {
        const day = reported.get(date);
        if (day === undefined || !sameSlots(day.wanted, wanted)) {
          onWrong(`${id} ${date}: ${differ('the record wants', day?.wanted ?? [], 'the model', wanted)}`);
        }
        if (day?.state !== 'in-sync') onWrong(`${id} ${date} is ${day?.state}`);
        const [shown, expected] = [this.#shown(calendar, date), startsOf(wanted)];
        if (shown !== expected) {
          onWrong(`${id} ${date}: a patient sees [${shown}], and should see [${expected}]`);
        }
      }
    }
  }

  #shown({ facilityId, doctorId, addressId, account }: WorldCalendar, date: string): string {
    const [from, to] = [date, addDays(date, 1)].map((day) => startOfDate(day, account.timeZone));
    const ref = { facilityId, doctorId, addressId };
    return spell(this.#options.sandbox.patientView(ref, from ?? 0, to ?? 0));
  }
}

/** Events on the queue are acknowledged and not yet in the record, so the queue has to be empty, too. */
function isAtRest({ pending, failed, queues }: Status): boolean {
  const { 'slotkeeper-occupancy': events } = queues;
  if (events === undefined) return false;
  return pending === 0 && failed === 0 && Object.values(events).every((count) => count === 0);
}

const countWrites = (sandbox: Sandbox): number =>
  sandbox.requests.findLast(({ method, operation }) => method !== 'GET' && operation !== 'token')?.n ?? 0;

const startsOf = (slots: readonly Slot[]): string => spell(bookableStarts(slots));

const spell = (starts: readonly { readonly start: string; readonly services: readonly string[] }[]): string =>
  starts
    .map(
      ({ start, services }) =>
        `${new Date(start).toISOString().slice(5, 16)} ${[...services].sort().join('+')}`,
    )
    .sort()
    .join(', ');

const differ = (a: string, ours: readonly Slot[], b: string, theirs: readonly Slot[]): string =>
  `${a} ${periods(ours)}, ${b} ${periods(theirs)}`;

const periods = (slots: readonly Slot[]): string =>
  `[${slots.map(({ start, end }) => `${start.slice(11, 16)}-${end.slice(11, 16)}`).join(' ')}]`;
