/**
 * Pulls an account's source: one snapshot per line, and a closing line that marks the answer as complete. Lines are staged as they
 * arrive, because nothing may be removed before the closing line is read; then each snapshot is applied by itself. An invalid line
 * prevents removals of the calendar that it names. Without the closing line, or where the calendar of an invalid line is unknown,
 * nothing is removed at all.
 */
import { randomUUID } from 'node:crypto';
import type { Db } from '../../db/schema.js';
import type { Account } from '../../db/tables/accounts.js';
import { listCalendars } from '../../db/tables/calendars.js';
import {
  deleteStagedSnapshots,
  findNextStagedSnapshot,
  saveStagedSnapshot,
} from '../../db/tables/staged-snapshots.js';
import { PrivateAddresses } from '../../lib/private-addresses.js';
import type { SnapshotOutcome } from './apply-snapshot.js';
import { SourceError } from './source-error.js';
import { parseSourceLine } from './source-line.js';
import { fetchSourceLines } from './source-lines.js';

export interface PullOptions {
  readonly db: Db;
  /** Applies one snapshot and enqueues the calendars that it changes: the engine's `snapshot`. */
  readonly apply: (
    calendar: string,
    snapshot: unknown,
    arrival: { readonly run: string; readonly arrivedAt: number },
  ) => Promise<SnapshotOutcome>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Aborts the pull; snapshots that are not yet applied are dropped. */
  readonly signal?: AbortSignal | undefined;
  /** The private addresses that accounts configured over HTTP may use; default: none. */
  readonly privateAddresses?: PrivateAddresses | undefined;
}

/** A problem of one line of the answer, or, without a line, of the whole answer. */
export interface SourceProblem {
  readonly line?: number | undefined;
  readonly reason: string;
}

export interface PulledSource {
  /**
   * Whether the closing line was read and all lines are valid. Otherwise nothing was removed of the calendars that the problems
   * name, or of any calendar where that is unknown.
   */
  readonly complete: boolean;
  /** At most a hundred problems; reading stops there. */
  readonly problems: readonly SourceProblem[];
  /** The first ten unknown calendars: doctors who are not in the marketplace, or misspelt ids. */
  readonly unknown: readonly string[];
  /** The first ten calendars of the account that a complete answer leaves out: their state stays. */
  readonly omitted: readonly string[];
  /** The number of applied snapshots, and the sums of their results. */
  readonly snapshots: number;
  readonly changedDays: number;
  readonly occupied: number;
  readonly released: number;
  /** The ids of the held changes. */
  readonly held: readonly string[];
}

const MAX_PROBLEMS = 100;
const MAX_NAMES = 10;

/**
 * A source that cannot be reached or read is reported in `problems`, not thrown.
 * @param account one that has a source
 */
export async function pullSource(account: Account, options: PullOptions): Promise<PulledSource> {
  const { db, now } = options;
  // The deletions of all its snapshots count together.
  const run = randomUUID();
  // The answer counts as observed at the time of the request, because events may arrive while the source answers.
  const arrivedAt = now();
  try {
    const staged = await stage(account, run, arrivedAt, options);
    const complete = staged.isClosed && staged.problems.length === 0;
    const applied = await applyStaged(run, staged, arrivedAt, options);
    const unknown = [...staged.unknown].slice(0, MAX_NAMES);
    const omitted = complete ? staged.omitted.slice(0, MAX_NAMES) : [];
    return { ...applied, complete, unknown, omitted, problems: [...staged.problems, ...applied.problems] };
  } finally {
    await deleteStagedSnapshots(db, run);
  }
}

/** Stages the answer line by line. */
async function stage(
  account: Account,
  run: string,
  arrivedAt: number,
  { db, signal, now, privateAddresses = new PrivateAddresses([]) }: PullOptions,
) {
  const { source, overHttp } = account;
  if (source === undefined) throw new TypeError(`the account ${account.id} has no source`);
  const calendars = (await listCalendars(db)).filter(({ closing }) => closing === undefined);
  const accounts = new Map(calendars.map((calendar) => [calendar.id, calendar.account]));
  const problems: SourceProblem[] = [];
  const gaps = new Set<string>();
  let isWhole = true;
  const unknown = new Set<string>();
  const omitted = new Set([...accounts.keys()].filter((id) => accounts.get(id) === account.id));
  const guard = { signal, privateAddresses: overHttp === true ? privateAddresses : undefined };
  let lines = 0;
  let isClosed = false;
  try {
    for await (const line of fetchSourceLines(source, guard)) {
      const read = isClosed
        ? ({ kind: 'problem', reason: 'comes after the line that says that it is complete' } as const)
        : parseSourceLine(line, account, arrivedAt, now());
      if (read.kind === 'problem') {
        problems.push({ line: line.number, reason: read.reason });
        if (read.calendar === undefined) isWhole = false;
        else gaps.add(read.calendar);
      } else if (read.kind === 'end') isClosed = true;
      else if (!accounts.has(read.calendar)) unknown.add(read.calendar);
      // One source may serve several accounts; each stages its own calendars.
      else if (accounts.get(read.calendar) === account.id) {
        if (read.rejected.length > 0) {
          problems.push({ line: line.number, reason: listOf(read.rejected) });
          gaps.add(read.calendar);
        }
        await saveStagedSnapshot(db, run, account.id, line.number, read.snapshot, new Date(arrivedAt));
        omitted.delete(read.calendar);
        lines += 1;
      }
      if (problems.length >= MAX_PROBLEMS) break;
    }
    if (!isClosed && problems.length === 0) {
      problems.push({ reason: 'ended without the line that says that it is complete' });
    }
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    problems.push({ reason: error.message });
  }
  isWhole &&= isClosed && problems.length < MAX_PROBLEMS;
  return { isClosed, isWhole, gaps, problems, unknown, omitted: [...omitted].sort(), lines };
}

function listOf(reasons: readonly string[]): string {
  const more = reasons.length - MAX_NAMES;
  return [...reasons.slice(0, MAX_NAMES), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/** Applies the staged snapshots, as complete ones or only as additions. */
async function applyStaged(
  run: string,
  { lines, isWhole, gaps }: Pick<Awaited<ReturnType<typeof stage>>, 'lines' | 'isWhole' | 'gaps'>,
  arrivedAt: number,
  options: PullOptions,
) {
  const { db, apply, signal } = options;
  const sum = { snapshots: 0, changedDays: 0, occupied: 0, released: 0 };
  const problems: SourceProblem[] = [];
  const held: string[] = [];
  let left = lines;
  let staged = await findNextStagedSnapshot(db, run, 0);
  while (staged !== undefined && signal?.aborted !== true) {
    const { line, snapshot } = staged;
    const { calendar, ...body } = snapshot;
    left -= 1;
    const outcome = await apply(
      calendar,
      { ...body, complete: isWhole && !gaps.has(calendar) && snapshot.complete !== false },
      { run, arrivedAt },
    );
    if (outcome.kind === 'taken') {
      const { result } = outcome;
      sum.snapshots += 1;
      sum.changedDays += result.changedDays;
      sum.occupied += result.occupied;
      sum.released += result.released;
      if (result.held !== null) held.push(result.held.id);
    } else {
      // The calendar was changed while the source answered.
      const reason = outcome.kind === 'invalid' ? outcome.problems[0].reason : 'its calendar is gone';
      problems.push({ line, reason });
    }
    staged = await findNextStagedSnapshot(db, run, line);
  }
  // An abort during the answer is a problem already.
  if (left > 0 && (signal?.aborted !== true || left < lines)) {
    problems.push({ reason: `only ${lines - left} of its ${lines} snapshots were applied` });
  }
  return { ...sum, held, problems };
}
