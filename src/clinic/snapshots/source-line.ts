/** Parses one line of a source: a snapshot, or the closing line. */

import { InvalidScheduleError } from '../../core/index.js';
import type { StagedSnapshot } from '../../db/schema.js';
import type { Account } from '../../db/tables/accounts.js';
import { formatProblem, validateShape } from '../../lib/validation.js';
import { refSchema } from '../event-schema.js';
import type { Line } from './ndjson.js';
import { parseSnapshot } from './parse-snapshot.js';
import { resolveSnapshot } from './resolve-snapshot.js';
import { closingLineSchema, snapshotLineSchema } from './snapshot-schema.js';

export type SourceLine =
  /** `rejected` contains the reasons of invalid entries. */
  | {
      readonly kind: 'snapshot';
      readonly calendar: string;
      readonly snapshot: StagedSnapshot;
      readonly rejected: readonly string[];
    }
  | { readonly kind: 'end' }
  /** `calendar` is the line's calendar, where it is valid. */
  | { readonly kind: 'problem'; readonly reason: string; readonly calendar?: string | undefined };

/**
 * @param arrivedAt when the source was requested, epoch milliseconds
 * @param now when the line is parsed
 */
export function parseSourceLine(
  line: Line,
  { timeZone }: Account,
  arrivedAt: number,
  now: number,
): SourceLine {
  if (line.kind === 'unreadable') return { kind: 'problem', reason: line.reason };
  const { value } = line;
  if (closingLineSchema.safeParse(value).success) return { kind: 'end' };
  const checked = validateShape(snapshotLineSchema, value);
  const problem = (reason: string): SourceLine => ({ kind: 'problem', reason, calendar: calendarIn(value) });
  if (!checked.success) return problem(formatProblem(checked.problems[0]));
  const { calendar } = checked.data;
  const parsed = parseSnapshot(value, { calendar: true });
  if (!parsed.success) return problem(formatProblem(parsed.problems[0]));
  try {
    // The line is resolved now, because an invalid line that is found later would follow others that were applied as complete.
    const { rejected } = resolveSnapshot(
      parsed.snapshot,
      { id: calendar, timeZone, bufferBefore: 0, bufferAfter: 0 },
      arrivedAt,
      now,
    );
    const snapshot = { ...(value as object), calendar };
    return { kind: 'snapshot', calendar, snapshot, rejected: rejected.map(({ reason }) => reason) };
  } catch (error) {
    if (!(error instanceof InvalidScheduleError)) throw error;
    return problem(formatProblem(error));
  }
}

function calendarIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('calendar' in value)) return undefined;
  return refSchema.safeParse(value.calendar).data;
}
