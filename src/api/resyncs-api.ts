/** Full resyncs, as callers see them, in this process or over HTTP. */
import type { DriftingDay } from '../db/tables/resync-calendars.js';
import type { ResyncFailure, ResyncWait, SourceNotes } from '../db/tables/resync-reports.js';

/** Days that a report tells one by one, at most. */
export const MAX_DAYS = 1_000;

export interface ResyncReport {
  readonly id: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly dryRun: boolean;
  /** How many there are, and how many of them are through. */
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
  /** What it still waits for, by account; empty once it has ended. */
  readonly waiting: readonly ResyncWait[];
  /** Of accounts whose source names other calendars than the record, the first ten of each. */
  readonly sources: readonly SourceNotes[];
  /** The first that differ, one by one: see {@link MAX_DAYS}. */
  readonly days: readonly (DriftingDay & { readonly calendar: string })[];
}

/** One of those that are kept, in a word: its report says more. */
export interface ResyncSummary
  extends Pick<ResyncReport, 'id' | 'state' | 'dryRun' | 'startedAt' | 'finishedAt'> {
  /** Whose night it was; null where it was asked for. */
  readonly account: string | null;
}

export interface ResyncRequest {
  /** Default: all. */
  readonly calendars?: readonly string[] | undefined;
  /** Tells what differs, and writes nothing. */
  readonly dryRun?: boolean | undefined;
}

export interface ResyncsApi {
  /**
   * Begins one, or joins one that is under way and does the same.
   * @throws {UnknownCalendarsError}
   */
  begin(request: ResyncRequest): Promise<{ readonly id: string }>;
  /** Undefined where there is none, or no longer: they are kept for 30 days. */
  report(id: string): Promise<ResyncReport | undefined>;
}

/** Of an engine in this process. */
export interface OwnResyncs extends ResyncsApi {
  /** The nights', and those that were asked for, of the last 30 days: the latest first, 1,000 at most. */
  list(): Promise<readonly ResyncSummary[]>;
  /**
   * A dry run that is made here and now, whatever the engine's roles: it only compares, and its report is kept nowhere.
   * @throws {UnknownCalendarsError}
   */
  look(
    request: Pick<ResyncRequest, 'calendars'>,
    onProgress?: (report: ResyncReport) => void,
  ): Promise<ResyncReport>;
  /** Looks after those that wait for somebody, as a scheduler does: for a process that has none. */
  runMaintenance(): Promise<void>;
}
