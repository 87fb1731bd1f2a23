/** What failed, in one list: days, calendars and events, each with its reason, to be tried again or dropped by hand. */
import type { Job } from 'bullmq';
import { z } from 'zod';
import type { Failure, FailuresFace, Settled } from './failures-face.js';
import type { JobQueue } from './queue/queues.js';
import {
  dropCalendar,
  dropDay,
  failedCalendars,
  failedDays,
  retryCalendar,
  retryDay,
} from './store/failures.js';
import type { Db } from './store/schema.js';

export interface FailuresOptions {
  readonly db: Db;
  readonly occupancyQueue: JobQueue;
  readonly wake: (calendar: string) => Promise<void>;
}

const MOST_EVENTS = 1_000;
const named = z.object({ id: z.string().nullish().catch(null), calendar: z.string().nullish().catch(null) });

export class Failures implements FailuresFace {
  readonly #options: FailuresOptions;

  constructor(options: FailuresOptions) {
    this.#options = options;
  }

  async list(): Promise<Failure[]> {
    const { db } = this.#options;
    const [calendars, days, jobs] = await Promise.all([failedCalendars(db), failedDays(db), this.#jobs()]);
    return [
      ...calendars.map(
        ({ calendar, reason }): Failure => ({
          kind: 'calendar',
          id: `calendar/${calendar}`,
          calendar,
          reason,
        }),
      ),
      ...days.map(
        ({ calendar, date, error: { reason, expected, shown } }): Failure => ({
          kind: 'day',
          id: `day/${calendar}/${date}`,
          calendar,
          date,
          reason,
          ...(expected === undefined ? {} : { expected }),
          ...(shown === undefined ? {} : { shown }),
        }),
      ),
      ...jobs.map((job): Failure => {
        const event = named.safeParse(job.data).data;
        return {
          kind: 'event',
          id: `event/${job.id}`,
          calendar: event?.calendar ?? null,
          event: event?.id ?? null,
          reason: job.failedReason ?? 'unknown',
        };
      }),
    ];
  }

  /** Tries failures again, or gives them up: what they are about is then no longer wanted. */
  async settle(verb: 'retry' | 'drop', ids: readonly string[]): Promise<Settled> {
    const unknown: string[] = [];
    for (const id of ids) {
      const found = verb === 'retry' ? await this.#retry(id) : await this.#drop(id);
      if (!found) unknown.push(id);
    }
    return { done: ids.length - unknown.length, unknown };
  }

  async #retry(id: string): Promise<boolean> {
    const { db, wake } = this.#options;
    const { kind, calendar, rest } = parse(id);
    switch (kind) {
      case 'day': {
        const found = await retryDay(db, calendar, rest);
        if (found) await wake(calendar);
        return found;
      }
      case 'calendar': {
        const found = await retryCalendar(db, calendar);
        if (found) await wake(calendar);
        return found;
      }
      case 'event': {
        const job = await this.#job(calendar);
        await job?.retry();
        return job !== undefined;
      }
      default:
        return false;
    }
  }

  async #drop(id: string): Promise<boolean> {
    const { db } = this.#options;
    const { kind, calendar, rest } = parse(id);
    switch (kind) {
      case 'day':
        return await dropDay(db, calendar, rest);
      case 'calendar':
        return await dropCalendar(db, calendar);
      case 'event': {
        const job = await this.#job(calendar);
        await job?.remove();
        return job !== undefined;
      }
      default:
        return false;
    }
  }

  async #jobs(): Promise<Job[]> {
    return await this.#options.occupancyQueue.getJobs(['failed'], 0, MOST_EVENTS - 1);
  }

  async #job(id: string): Promise<Job | undefined> {
    const job = await this.#options.occupancyQueue.getJob(id);
    return job !== undefined && (await job.isFailed()) ? job : undefined;
  }
}

function parse(id: string): { kind: string; calendar: string; rest: string } {
  const [kind = '', calendar = '', rest = ''] = id.split('/');
  const isDate = z.iso.date().safeParse(rest).success;
  return { kind: kind === 'day' && !isDate ? '' : kind, calendar, rest };
}
