/** The API of full resyncs: begins them, reports them, and runs dry runs. */

import {
  MAX_DAYS,
  type OwnResyncs,
  type ResyncReport,
  type ResyncRequest,
  type ResyncSummary,
} from '../api/resyncs-api.js';
import type { Dependencies } from '../context/context.js';
import { listCalendars } from '../db/tables/calendars.js';
import { getResync, listResyncs, type StoredResync } from '../db/tables/resync-reports.js';
import { beginResync, finishResyncs } from '../db/tables/resyncs.js';
import type { ResyncQueue } from '../queue/resync-queue.js';
import { dryRunAll } from './dry-run-all.js';
import { UnknownCalendarsError } from './unknown-calendars-error.js';
import type { ResyncWorker } from './worker.js';

export interface ResyncsOptions {
  readonly dependencies: Dependencies;
  readonly queue: ResyncQueue;
  readonly worker: Pick<ResyncWorker, 'runMaintenance'>;
}

const MAX_LISTED = 1_000;

const toReportState = (state: StoredResync['state']): ResyncReport['state'] =>
  state === 'fetching' ? 'running' : state;

export class Resyncs implements OwnResyncs {
  readonly #options: ResyncsOptions;

  constructor(options: ResyncsOptions) {
    this.#options = options;
  }

  async begin({ calendars, dryRun = false }: ResyncRequest): Promise<{ readonly id: string }> {
    const { dependencies, queue } = this.#options;
    const { db, log, now } = dependencies;
    await this.#findCalendars(calendars);
    const id = await beginResync(db, { calendars, dryRun }, new Date(now()));
    await queue.enqueue(id).catch((error: unknown) => {
      log.warn({ err: error }, 'the queue is unavailable; the requeue sweep enqueues the resync');
    });
    return { id };
  }

  async dryRun(
    { calendars }: Pick<ResyncRequest, 'calendars'>,
    onProgress: (report: ResyncReport) => void = () => undefined,
  ): Promise<ResyncReport> {
    const known = await this.#findCalendars(calendars);
    const wanted = known.filter((id) => calendars?.includes(id) ?? true);
    return await dryRunAll(this.#options.dependencies, wanted, MAX_DAYS, onProgress);
  }

  async runMaintenance(): Promise<void> {
    await this.#options.worker.runMaintenance();
  }

  async report(id: string): Promise<ResyncReport | undefined> {
    const { db, now } = this.#options.dependencies;
    // The last calendar may have failed since, where no scheduler is running to notice it.
    await finishResyncs(db, new Date(now()));
    const resync = await getResync(db, id, MAX_DAYS, new Date(now()));
    if (resync === undefined) return undefined;
    const { state, startedAt, finishedAt, missing, extra, stale, foreign, ...rest } = resync;
    return {
      ...rest,
      state: toReportState(state),
      differences: { missing, extra, stale, foreign },
      startedAt: startedAt.toISOString(),
      finishedAt: finishedAt?.toISOString() ?? null,
      durationMs: (finishedAt?.getTime() ?? now()) - startedAt.getTime(),
    };
  }

  async list(): Promise<readonly ResyncSummary[]> {
    const { db, now } = this.#options.dependencies;
    await finishResyncs(db, new Date(now()));
    return (await listResyncs(db, MAX_LISTED)).map(({ state, startedAt, finishedAt, ...rest }) => ({
      ...rest,
      state: toReportState(state),
      startedAt: startedAt.toISOString(),
      finishedAt: finishedAt?.toISOString() ?? null,
    }));
  }

  /** @returns all calendars that are not being deleted */
  async #findCalendars(calendars: readonly string[] | undefined): Promise<readonly string[]> {
    const all = await listCalendars(this.#options.dependencies.db);
    const known = all.filter(({ closing }) => closing === undefined).map(({ id }) => id);
    const unknown = (calendars ?? []).filter((id) => !known.includes(id));
    if (unknown.length > 0) throw new UnknownCalendarsError(unknown);
    return known;
  }
}
