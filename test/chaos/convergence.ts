// After the storm: the engine comes to rest within a bound, and then the record, the marketplace and the model agree
// about every day, and nothing more is written.
import { setTimeout as sleep } from 'node:timers/promises';
import got, { type Got } from 'got';
import type { Failure } from '../../src/api/failures-api.js';
import { addDays, bookableStarts, type Slot, sameSlots, startOfDate } from '../../src/core/index.js';
import type { Status } from '../../src/monitoring/status.js';
import type { DayReport } from '../../src/publishing/day-report.js';
import type { RequestRecord, Sandbox } from '../../src/sandbox/index.js';
import { leftovers } from './leftovers.js';
import type { Model } from './model.js';
import type { NotificationConsumer } from './notification-consumer.js';
import type { People } from './people.js';
import type { Resyncs } from './resyncs.js';
import type { World, WorldCalendar } from './world.js';

export interface ConvergenceOptions {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly sandbox: Sandbox;
  readonly world: World;
  readonly model: Model;
  readonly resyncs: Resyncs;
  readonly people: People;
  readonly news: NotificationConsumer;
  readonly onWrong: (what: string) => void;
  readonly onProgress: (what: string) => void;
}

const LOOK_EVERY_MS = 200;
const TELL_EVERY_MS = 10_000;
/** Longer than a job that was forgotten about would need to show itself. */
const QUIET_MS = 1_500;
/** Several times `notifications.sweepMinutes`: what a reading finds is told by the next. */
const SWEPT_WITHIN_MS = 400_000;

export class Convergence {
  readonly #options: ConvergenceOptions;
  readonly #http: Got;

  constructor(options: ConvergenceOptions) {
    this.#options = options;
    this.#http = got.extend({
      prefixUrl: `${options.apiUrl}/v1`,
      headers: { authorization: `Bearer ${options.apiKey}` },
      timeout: { request: 120_000 },
    });
  }

  /**
   * What a night does: nobody asks for what failed to be tried again, and nobody says that services and addresses are back.
   * It begins when all that does not fail is published.
   */
  async night(deadline: number): Promise<void> {
    await this.#until(isIdle, deadline);
    await this.#options.resyncs.complete(deadline);
  }

  async rest(deadline: number): Promise<void> {
    await this.#until(isAtRest, deadline);
  }

  async #until(isSo: (status: Status) => boolean, deadline: number): Promise<void> {
    for (let told = Date.now(); ; ) {
      const underWay = await this.#options.resyncs.underWay();
      const status = await this.#http.get('status').json<Status>();
      if (isSo(status) && underWay.length === 0) return;
      if (Date.now() - told > TELL_EVERY_MS) {
        told = Date.now();
        const waiting = await this.#waiting();
        this.#options.onProgress(
          `not at rest: ${JSON.stringify(status)}, ${waiting}, ${underWay.join(', ')}`,
        );
      }
      if (Date.now() > deadline) {
        this.#options.onWrong(`it did not come to rest: ${[JSON.stringify(status), ...underWay].join(', ')}`);
        return;
      }
      await sleep(LOOK_EVERY_MS);
    }
  }

  /** What calendars say about why they wait, and what failed. */
  async #waiting(): Promise<string> {
    const calendars = await this.#http.get('calendars').json<{ id: string; retrying: object | null }[]>();
    const { items } = await this.#http.get('failed').json<{ items: Failure[] }>();
    return JSON.stringify([calendars.filter(({ retrying }) => retrying !== null), items]);
  }

  /** @param deadline by which one more resync has to end */
  async check(deadline: number): Promise<void> {
    const { sandbox, model, world, resyncs, people, news, onWrong } = this.#options;
    if (model.open > 0) onWrong(`${model.open} events were never acknowledged`);
    await resyncs.check();
    people.check();
    if (await this.#findLost(deadline)) await this.rest(deadline);
    // The sandbox keeps the last requests only, and what is looked for now may take many.
    const onRequest = (request: RequestRecord): void => {
      if (isWrite(request)) onWrong(`it wrote although everything was published: ${describe(request)}`);
    };
    sandbox.on('request', onRequest);
    await this.#compare(world.calendars);
    await sleep(QUIET_MS);
    await this.#compareAll(deadline);
    await news.check(Date.now() + SWEPT_WITHIN_MS);
    sandbox.off('request', onRequest);
    const status = await this.#http.get('status').json<Status>();
    if (status.conflicts !== news.conflicts) {
      onWrong(`it counts ${status.conflicts} conflicts, and there are ${news.conflicts}`);
    }
    if (!isAtRest(status)) onWrong(`it did not stay at rest: ${JSON.stringify(status)}`);
    const { items } = await this.#http.get('failed').json<{ items: Failure[] }>();
    for (const { id, reason } of items) onWrong(`${id} failed: ${reason}`);
  }

  /**
   * What was pulled is handed out once, and lost with a process that is killed then: the resync finds that, and no other
   * difference. @returns whether it found any
   */
  async #findLost(deadline: number): Promise<boolean> {
    const { resyncs, world, onWrong, onProgress } = this.#options;
    const before = await this.#taken();
    const report = await resyncs.complete(deadline);
    const after = await this.#taken();
    const pulling = world.calendars.filter(({ account }) => account.hears === 'pull').map(({ id }) => id);
    const days = report?.days ?? [];
    for (const day of days) {
      if (day.foreign && pulling.includes(day.calendar))
        onProgress(`${day.calendar} ${day.date}: news was lost`);
      else {
        const [had, has] = [before, after].map((taken) => taken.get(`${day.calendar} ${day.date}`));
        onWrong(
          `a resync at rest found a difference: ${JSON.stringify(day)}; taken was ${had}, and is ${has}`,
        );
      }
    }
    return days.length > 0;
  }

  /** What the record knows to be taken, by calendar and date. */
  async #taken(): Promise<ReadonlyMap<string, string>> {
    const taken = new Map<string, string>();
    for (const { id, dates } of this.#options.world.calendars) {
      for (const { date, busy } of await this.#days(id, dates))
        taken.set(`${id} ${date}`, JSON.stringify(busy));
    }
    return taken;
  }

  async #days(id: string, dates: WorldCalendar['dates']): Promise<DayReport[]> {
    const query = { from: dates[0], to: dates.at(-1) ?? dates[0] };
    return await this.#http.get(`calendars/${id}/days`, { searchParams: query }).json<DayReport[]>();
  }

  /** What the engine itself finds when it looks at everything: nothing, in every calendar. */
  async #compareAll(deadline: number): Promise<void> {
    const { resyncs, world, onWrong } = this.#options;
    const report = await resyncs.complete(deadline);
    if (report === undefined) return;
    const { state, calendars, calendarsDone, daysCompared, differences, writes, failures, days } = report;
    if (state !== 'done' || failures.length > 0) {
      onWrong(`a resync at rest is ${state}: ${JSON.stringify(failures)}`);
    }
    if (calendars !== world.calendars.length || calendarsDone !== calendars || daysCompared === 0) {
      onWrong(`a resync at rest compared ${daysCompared} days of ${calendarsDone} of ${calendars} calendars`);
    }
    if (Object.values(differences).some((count) => count > 0)) {
      onWrong(`a resync at rest found differences: ${JSON.stringify(days).slice(0, 2_000)}`);
    }
    if (writes > 0) onWrong(`a resync at rest wrote ${writes} times`);
  }

  async #compare(calendars: readonly WorldCalendar[]): Promise<void> {
    const { model, onWrong } = this.#options;
    for (const calendar of calendars) {
      const { id, dates } = calendar;
      const days = await this.#days(id, dates);
      const reported = new Map(days.map((day) => [day.date, day]));
      for (const [date, wanted] of model.wanted(id)) {
        const day = reported.get(date);
        if (day === undefined || !sameSlots(day.wanted, wanted)) {
          onWrong(`${id} ${date}: ${differ('the record wants', day?.wanted ?? [], 'the model', wanted)}`);
        }
        if (day?.state !== 'in-sync') onWrong(`${id} ${date} is ${day?.state}`);
        const [shown, expected] = [this.#shown(calendar, date), spell(this.#expected(calendar, wanted))];
        if (shown !== expected) {
          onWrong(`${id} ${date}: a patient sees [${shown}], and should see [${expected}]`);
        }
      }
      for (const what of leftovers(calendar, this.#options)) onWrong(`${id}: ${what}`);
    }
  }

  /** What is available, without the visits that would touch taken time, whatever hides it. */
  #expected(
    { id, cutting: cut }: WorldCalendar,
    slots: readonly Slot[],
  ): { start: string; services: string[] }[] {
    const needs = this.#options.model.unbookable(id);
    return slots.flatMap((slot) => {
      const minutes = new Map(slot.address_services.map((one) => [one.address_service_id, one.duration]));
      return bookableStarts([slot], undefined, { cut }).flatMap(({ start, services }) => {
        const at = Date.parse(start);
        const free = services.filter((service) => {
          const end = at + (minutes.get(service) ?? 0) * 60_000;
          return !needs.some((need) => need.start < end && need.end > at);
        });
        return free.length > 0 ? [{ start, services: free }] : [];
      });
    });
  }

  #shown({ facilityId, doctorId, addressId, account }: WorldCalendar, date: string): string {
    const [from, to] = [date, addDays(date, 1)].map((day) => startOfDate(day, account.timeZone));
    const ref = { facilityId, doctorId, addressId };
    return spell(this.#options.sandbox.patientView(ref, from ?? 0, to ?? 0));
  }
}

/** Events on the queue are acknowledged and not yet in the record, so the queue has to be empty, too. */
function isIdle({ pending, queues }: Status): boolean {
  const { 'slotkeeper-occupancy': events } = queues;
  return events !== undefined && pending === 0 && Object.values(events).every((count) => count === 0);
}

function isAtRest(status: Status): boolean {
  const { failed, goneServices, takenOnSale } = status;
  return isIdle(status) && failed + goneServices + takenOnSale.count === 0;
}

/** A token, and having pushes sent again: neither is a write to a calendar. */
const CHANGES_NOTHING = new Set<string>(['token', 'releaseNotifications']);

const isWrite = ({ method, operation }: RequestRecord): boolean =>
  method !== 'GET' && !CHANGES_NOTHING.has(operation);

const describe = ({ operation, path, body, status }: RequestRecord): string =>
  `${operation} ${path} ${JSON.stringify(body)?.slice(0, 500)} was answered ${status}`;

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
