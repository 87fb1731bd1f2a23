/**
 * Fetches an account's source: one snapshot a line, and a last line that says that this was all of it. Lines are put
 * aside as they come, because nothing may be removed before the last one is read; then each is taken in by itself.
 * What cannot be read costs the calendar that it is about what would be removed of it, and no other; without the last line, or
 * where it cannot be read which calendar a line is about, nothing is removed at all.
 */
import { randomUUID } from 'node:crypto';
import type { Db } from '../../db/schema.js';
import type { Account } from '../../db/tables/accounts.js';
import { listCalendars } from '../../db/tables/calendars.js';
import { clearStaged, nextStaged, stageSnapshot } from '../../db/tables/snapshots.js';
import { PrivateAddresses } from '../../lib/private-addresses.js';
import type { SnapshotOutcome } from './apply-snapshot.js';
import { SourceError } from './source-error.js';
import { parseSourceLine } from './source-line.js';
import { fetchSourceLines } from './source-lines.js';

export interface PullOptions {
  readonly db: Db;
  /** Takes one snapshot in and wakes what it changes: the engine's `snapshot`. */
  readonly apply: (
    calendar: string,
    snapshot: unknown,
    arrival: { readonly run: string; readonly arrivedAt: number },
  ) => Promise<SnapshotOutcome>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Ends it; what was not taken in yet is not. */
  readonly signal?: AbortSignal | undefined;
  /** For accounts that were put over HTTP; default: none may be asked. */
  readonly privateAddresses?: PrivateAddresses | undefined;
}

/** What is wrong with one line of the answer, or, without a line, with the whole of it. */
export interface SourceProblem {
  readonly line?: number | undefined;
  readonly reason: string;
}

export interface PulledSource {
  /**
   * Whether it was read to the line that says so, and all of it could be read. Otherwise nothing was removed of the calendars that
   * the problems are about, or of any where that is not known.
   */
  readonly complete: boolean;
  /** What is wrong with it; it is read no further after a hundred. */
  readonly problems: readonly SourceProblem[];
  /** Calendars that the record does not have, the first ten: doctors who are not in the marketplace, or ids that are misspelt. */
  readonly unknown: readonly string[];
  /** Calendars of the account that it said nothing of, where it is complete, the first ten: they stay as they were. */
  readonly omitted: readonly string[];
  /** Snapshots that were taken in, and what they did together. */
  readonly snapshots: number;
  readonly changedDays: number;
  readonly occupied: number;
  readonly released: number;
  /** Ids of what is held for a person now. */
  readonly held: readonly string[];
}

const MAX_PROBLEMS = 100;
const MAX_NAMES = 10;

/**
 * A source that cannot be reached or read is no exception: it is told in `problems`.
 * @param account one that has a source
 */
export async function pullSource(account: Account, options: PullOptions): Promise<PulledSource> {
  const { db, now } = options;
  // What it would take away is weighed together.
  const run = randomUUID();
  // It is as old as the question: while it answers, events may come that know better.
  const arrivedAt = now();
  try {
    const staged = await stage(account, run, arrivedAt, options);
    const complete = staged.isClosed && staged.problems.length === 0;
    const taken = await loadStaged(run, staged, arrivedAt, options);
    const unknown = [...staged.unknown].slice(0, MAX_NAMES);
    const omitted = complete ? staged.omitted.slice(0, MAX_NAMES) : [];
    return { ...taken, complete, unknown, omitted, problems: [...staged.problems, ...taken.problems] };
  } finally {
    await clearStaged(db, run);
  }
}

/** Puts the answer aside, line by line. */
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
      // One source may serve several accounts: each takes its own.
      else if (accounts.get(read.calendar) === account.id) {
        if (read.rejected.length > 0) {
          problems.push({ line: line.number, reason: listOf(read.rejected) });
          gaps.add(read.calendar);
        }
        await stageSnapshot(db, run, account.id, line.number, read.snapshot, new Date(arrivedAt));
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

/** Takes in what was put aside: as the whole truth, or only as additions. */
async function loadStaged(
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
  let staged = await nextStaged(db, run, 0);
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
    staged = await nextStaged(db, run, line);
  }
  // One that was given up while it answered has said so.
  if (left > 0 && (signal?.aborted !== true || left < lines)) {
    problems.push({ reason: `only ${lines - left} of its ${lines} snapshots was taken in` });
  }
  return { ...sum, held, problems };
}
