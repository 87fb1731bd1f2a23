/** The client of a running engine's HTTP API, which the commands use. */
import { createInterface } from 'node:readline';
import { got, HTTPError } from 'got';
import { z } from 'zod';
import type { BookingReport, BookingsApi } from '../api/bookings-api.js';
import type { Failure, FailuresApi, Resolved } from '../api/failures-api.js';
import type { HeldChangesApi, HeldItem } from '../api/held-changes-api.js';
import type { ResyncReport, ResyncsApi } from '../api/resyncs-api.js';
import type { EventsResult } from '../clinic/events-result.js';
import type { SnapshotResult } from '../clinic/snapshots/apply-snapshot.js';
import type { HistoryFilter, HistoryQuery } from '../db/tables/history.js';
import { formatProblem } from '../lib/validation.js';
import type { CalendarSummary } from '../monitoring/calendar-summaries.js';
import type { ConflictItem } from '../monitoring/conflicts.js';
import type { Explanation } from '../monitoring/explanation.js';
import type { HistoryItem, HistoryPage } from '../monitoring/history.js';
import type { Status } from '../monitoring/status.js';
import type { DayReport } from '../publishing/day-report.js';
import { UsageError } from './exit.js';

/** The outcome of one snapshot of an import. */
export type SnapshotImport =
  | { readonly kind: 'taken'; readonly result: SnapshotResult }
  | { readonly kind: 'refused'; readonly reason: string };

export class HttpApi {
  readonly #http: typeof got;

  constructor(url: string, apiKey: string) {
    this.#http = got.extend({
      prefixUrl: `${url}/v1`,
      headers: { authorization: `Bearer ${apiKey}` },
      retry: { limit: 0 },
      timeout: { request: 30_000 },
    });
  }

  /** @param dryRun whether the result is only computed */
  async events(events: readonly unknown[], { dryRun = false } = {}): Promise<EventsResult> {
    const searchParams = dryRun ? { dryRun: 'true' } : {};
    const request = this.#http.post('events', { json: { events }, searchParams });
    try {
      return await request.json<EventsResult>();
    } catch (error) {
      // The response contains the reason of each rejected event.
      if (error instanceof HTTPError && error.response.statusCode === ALL_REJECTED) {
        return JSON.parse(String(error.response.body)) as EventsResult;
      }
      return await withReason(Promise.reject(error));
    }
  }

  async status(): Promise<Status> {
    return await withReason(this.#http.get('status').json<Status>());
  }

  async history(query: Partial<HistoryQuery>): Promise<HistoryPage> {
    return await withReason(this.#http.get('history', { searchParams: { ...query } }).json<HistoryPage>());
  }

  /** Yields new entries until the signal is aborted or the engine ends the stream. */
  async *followHistory(
    filter: HistoryFilter,
    { signal, after }: { readonly signal: AbortSignal; readonly after?: string | undefined },
  ): AsyncGenerator<readonly HistoryItem[]> {
    const response = this.#http.stream('history', {
      headers: { accept: 'text/event-stream', ...(after === undefined ? {} : { 'last-event-id': after }) },
      searchParams: { ...filter },
      timeout: { socket: SILENT_STREAM_MS, request: STREAM_LIMIT_MS },
      signal,
    });
    for await (const line of createInterface({ input: response })) {
      if (line.startsWith('data: ')) yield [JSON.parse(line.slice('data: '.length)) as HistoryItem];
    }
  }

  async conflicts(): Promise<readonly ConflictItem[]> {
    return (await withReason(this.#http.get('conflicts').json<{ items: ConflictItem[] }>())).items;
  }

  async calendars(): Promise<readonly CalendarSummary[]> {
    const calendars = await withReason(this.#http.get('calendars').json<CalendarSummary[]>());
    return calendars.map(({ id, account, strategy, state, failed, days, publishedAt }) => {
      return { id, account, strategy, state, failed, days, publishedAt };
    });
  }

  /**
   * @param date default: today, in the account's zone
   * @returns undefined for an unknown calendar
   */
  async day(calendar: string, date: string | undefined): Promise<DayReport | undefined> {
    const path = `calendars/${encodeURIComponent(calendar)}/days`;
    const searchParams = date === undefined ? {} : { from: date, to: date };
    const days = await whereFound(this.#http.get(path, { searchParams }).json<DayReport[]>());
    return days?.[0];
  }

  /**
   * @returns undefined for an unknown calendar
   * @throws {UsageError} where the instant or the service cannot be read
   */
  async explain(
    calendar: string,
    at: string,
    { service }: { readonly service?: string | undefined },
  ): Promise<Explanation | undefined> {
    const path = `calendars/${encodeURIComponent(calendar)}/explain`;
    const searchParams = { at, ...(service === undefined ? {} : { service }) };
    return await whereFound(this.#http.get(path, { searchParams }).json<Explanation>());
  }

  /** @param run the id of the import */
  async snapshot(calendar: string, snapshot: unknown, run: string): Promise<SnapshotImport> {
    const path = `calendars/${encodeURIComponent(calendar)}/snapshot`;
    const request = this.#http.put(path, {
      body: JSON.stringify(snapshot),
      headers: { 'content-type': 'application/json' },
      searchParams: { run },
      timeout: { request: SNAPSHOT_TIMEOUT_MS },
    });
    try {
      return { kind: 'taken', result: await request.json<SnapshotResult>() };
    } catch (error) {
      const isRefused = error instanceof HTTPError && REFUSALS.includes(error.response.statusCode);
      if (!isRefused) return await withReason(Promise.reject(error));
      return { kind: 'refused', reason: problemIn(error.response.body) ?? error.message };
    }
  }

  get holds(): HeldChangesApi {
    return {
      list: async () => (await withReason(this.#http.get('held').json<{ items: HeldItem[] }>())).items,
      settle: async (verb, ids) =>
        await withReason(this.#http.post(`held/${verb}`, { json: { ids } }).json<Resolved>()),
    };
  }

  get bookings(): BookingsApi {
    const post = async (calendar: string, booking: string, verb: string, json: object) => {
      const path = `calendars/${encodeURIComponent(calendar)}/bookings/${encodeURIComponent(booking)}/${verb}`;
      return await withReason(this.#http.post(path, { json }).json<BookingReport>());
    };
    return {
      cancel: (calendar, booking, how = {}) => post(calendar, booking, 'cancel', how),
      move: (calendar, booking, to) => post(calendar, booking, 'move', to),
      link: (calendar, booking, ref) => post(calendar, booking, 'link', { ref }),
    };
  }

  get resyncs(): ResyncsApi {
    return {
      begin: async (request) =>
        await withReason(this.#http.post('resync', { json: request }).json<{ id: string }>()),
      report: async (id) =>
        await withReason(this.#http.get(`resync/${encodeURIComponent(id)}`).json<ResyncReport>()),
    };
  }

  get failures(): FailuresApi {
    return {
      list: async () => (await withReason(this.#http.get('failed').json<{ items: Failure[] }>())).items,
      settle: async (verb, ids) =>
        await withReason(this.#http.post(`failed/${verb}`, { json: { ids } }).json<Resolved>()),
    };
  }
}

const ALL_REJECTED = 422;
/** The engine sends a comment more often than that. */
const SILENT_STREAM_MS = 60_000;
const STREAM_LIMIT_MS = 7 * 24 * 60 * 60 * 1000;
/** Sufficient for a snapshot of the maximum line length. */
const SNAPSHOT_TIMEOUT_MS = 120_000;
/** The statuses that refuse one snapshot, in contrast to failures of the connection. */
const REFUSALS: readonly number[] = [400, 404, 413];

/** The problems with their paths, else the detail. RFC 9457. */
function problemIn(body: unknown): string | undefined {
  const problem = problemSchema.safeParse(body).data;
  return problem?.errors?.map(formatProblem).join('; ') ?? problem?.detail;
}

const problemSchema = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue('is not JSON');
      return z.NEVER;
    }
  })
  .pipe(
    z.object({
      detail: z.string().optional(),
      errors: z.array(z.object({ path: z.string(), reason: z.string() })).optional(),
    }),
  );

/** @throws {ApiError} with the reason of the response */
async function withReason<T>(request: Promise<T>): Promise<T> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof HTTPError) {
      const { statusCode, body } = error.response;
      throw new ApiError(statusCode, error.request.requestUrl?.pathname ?? '', problemIn(body), {
        cause: error,
      });
    }
    throw error;
  }
}

/**
 * @returns undefined where the engine has no such thing
 * @throws {UsageError} where the request is invalid
 */
async function whereFound<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    const { statusCode, body } = error instanceof HTTPError ? error.response : {};
    if (statusCode === 404) return undefined;
    if (statusCode === 400)
      throw new UsageError(problemIn(body) ?? 'the request is invalid', { cause: error });
    return await withReason(Promise.reject(error));
  }
}

class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(status: number, path: string, problem: string | undefined, options: ErrorOptions) {
    const detail = problem === undefined ? '' : `: ${problem}`;
    const reason =
      status === 401 ? "SLOTKEEPER_API_KEY is not the engine's API key" : `status ${status}${detail}`;
    super(`the engine refused ${path}: ${reason}`, options);
  }
}
