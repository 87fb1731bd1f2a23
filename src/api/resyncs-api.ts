/** Full resyncs and the operations on them, in this process or over HTTP. */
import type { DriftingDay } from '../db/tables/resync-calendars.js';
import type { ResyncFailure, ResyncWait, SourceNotes } from '../db/tables/resync-reports.js';

/** The maximum number of days that a report lists. */
export const MAX_DAYS = 1_000;

export interface ResyncReport {
  readonly id: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly dryRun: boolean;
  /** The number of calendars, and how many of them have finished. */
  readonly calendars: number;
  readonly calendarsDone: number;
  readonly daysCompared: number;
  /** In days: see docs/operations/monitoring.md. */
  readonly differences: {
    readonly missing: number;
    readonly extra: number;
    readonly stale: number;
    readonly foreign: number;
  };
  readonly reads: number;
  readonly writes: number;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly durationMs: number;
  readonly failures: readonly ResyncFailure[];
  /** What the resync waits for, by account; empty once it has finished. */
  readonly waiting: readonly ResyncWait[];
  /** Accounts whose source has other calendars than the database, with the first ten of each. */
  readonly sources: readonly SourceNotes[];
  /** The first days that differ, at most {@link MAX_DAYS}. */
  readonly days: readonly (DriftingDay & { readonly calendar: string })[];
}

/** The summary of a stored resync; its report contains the details. */
export interface ResyncSummary
  extends Pick<ResyncReport, 'id' | 'state' | 'dryRun' | 'startedAt' | 'finishedAt'> {
  /** The account of a nightly resync; null where the resync was requested. */
  readonly account: string | null;
}

export interface ResyncRequest {
  /** Default: all. */
  readonly calendars?: readonly string[] | undefined;
  /** Reports what differs, and writes nothing. */
  readonly dryRun?: boolean | undefined;
}

export interface ResyncsApi {
  /**
   * Begins a resync, or joins an active one with the same request.
   * @throws {UnknownCalendarsError}
   */
  begin(request: ResyncRequest): Promise<{ readonly id: string }>;
  /** Undefined for an unknown id; reports are stored for 30 days. */
  report(id: string): Promise<ResyncReport | undefined>;
}

/** The resyncs of an engine in this process. */
export interface OwnResyncs extends ResyncsApi {
  /** The nightly and the requested resyncs of the last 30 days, the latest first, at most 1,000. */
  list(): Promise<readonly ResyncSummary[]>;
  /**
   * A dry run in this process, independent of the engine's roles. It only compares, and its report is not stored.
   * @throws {UnknownCalendarsError}
   */
  dryRun(
    request: Pick<ResyncRequest, 'calendars'>,
    onProgress?: (report: ResyncReport) => void,
  ): Promise<ResyncReport>;
  /** Runs the scheduler's periodic work for resyncs, for a process without a scheduler. */
  runMaintenance(): Promise<void>;
}
