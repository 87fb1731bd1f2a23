/** One line of a source: a snapshot, or the end. */
import { check, describe } from '../../check.js';
import { InvalidScheduleError } from '../../core/index.js';
import type { Account } from '../../store/accounts.js';
import type { StagedSnapshot } from '../../store/schema.js';
import type { Line } from './ndjson.js';
import { resolveSnapshot } from './resolve.js';
import { closingLineSchema, snapshotLineSchema } from './vocabulary.js';

export type SourceLine =
  | { readonly kind: 'snapshot'; readonly calendar: string; readonly snapshot: StagedSnapshot }
  | { readonly kind: 'end' }
  | { readonly kind: 'problem'; readonly reason: string };

/**
 * @param arrivedAt when the source was asked, epoch milliseconds
 * @param now when the line is read
 */
export function readSourceLine(
  line: Line,
  { timeZone }: Account,
  arrivedAt: number,
  now: number,
): SourceLine {
  if (line.kind === 'unreadable') return { kind: 'problem', reason: line.reason };
  const { value } = line;
  if (closingLineSchema.safeParse(value).success) return { kind: 'end' };
  const checked = check(snapshotLineSchema, value);
  if (!checked.success) return { kind: 'problem', reason: describe(checked.problems[0]) };
  const { calendar } = checked.data;
  try {
    // All of it is read now: one that turned out wrong later would come after others had been taken as the whole.
    resolveSnapshot(
      checked.data,
      { id: calendar, timeZone, bufferBefore: 0, bufferAfter: 0 },
      arrivedAt,
      now,
    );
  } catch (error) {
    if (!(error instanceof InvalidScheduleError)) throw error;
    return { kind: 'problem', reason: describe(error) };
  }
  return { kind: 'snapshot', calendar, snapshot: { ...(value as object), calendar } };
}
