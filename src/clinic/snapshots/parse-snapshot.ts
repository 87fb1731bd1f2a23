/**
 * Reads a snapshot as it came. What is wrong with one window or one appointment costs that one alone: it is rejected by name, and
 * as the picture has a gap then, nothing is taken for missing.
 */

import type { z } from 'zod';
import { findUnstorableTexts, type Problem, validateShape } from '../../lib/validation.js';
import { refSchema, windowSchema } from '../event-schema.js';
import { type Fields, fieldsOf, findUnknownKeys } from '../known-fields.js';
import { droppedKeyWarning, formatProblems } from '../parse-event.js';
import { parseItem } from '../parse-item.js';
import { ENTRY_FIELDS, entrySchema, SNAPSHOT_FIELDS, snapshotSchema } from './snapshot-schema.js';

/** A window or an appointment of a snapshot that cannot be taken in. */
export interface RejectedEntry {
  /** `windows[0]` or `occupancy[0]`. */
  readonly path: string;
  /** The PMS's id of the appointment, where it had a readable one. */
  readonly ref: string | null;
  /** Everything that is wrong with it, as one sentence. */
  readonly reason: string;
  readonly problems: readonly Problem[];
}

/** One that can be read, and where it stands. */
export interface PathValue<T> {
  readonly path: string;
  readonly value: T;
}

type Frame = Omit<z.output<typeof snapshotSchema>, 'windows' | 'occupancy'>;

export interface ParsedSnapshot extends Frame {
  readonly windows: readonly PathValue<z.output<typeof windowSchema>>[];
  readonly occupancy: readonly PathValue<z.output<typeof entrySchema>>[];
  readonly rejected: readonly RejectedEntry[];
  /** Keys that a snapshot does not have; they are dropped. */
  readonly warnings: readonly Problem[];
}

export type SnapshotParseResult =
  | { readonly success: true; readonly snapshot: ParsedSnapshot }
  | { readonly success: false; readonly problems: readonly [Problem, ...Problem[]] };

const WINDOW_FIELDS = fieldsOf(windowSchema);
const MAX_PROBLEMS = 100;
const MAX_DROPPED = 20;

/** @param also keys that it may have besides: `calendar`, in a line */
export function parseSnapshot(input: unknown, also: Fields = {}): SnapshotParseResult {
  const checked = validateShape(snapshotSchema, input);
  const keys = findUnknownKeys(input, { ...SNAPSHOT_FIELDS, ...also }, MAX_PROBLEMS);
  const [first, ...others] = [...(checked.success ? [] : checked.problems), ...keys.problems];
  if (first !== undefined || !checked.success) {
    const wrong = first ?? { path: '', reason: 'is not as it should be' };
    return { success: false, problems: [wrong, ...others, ...findUnstorableTexts(input)] };
  }
  const { windows, occupancy, ...frame } = checked.data;
  const dropped = [...keys.dropped];
  const rejected: RejectedEntry[] = [];
  const readAll = <S extends z.ZodType>(name: string, list: readonly unknown[], schema: S, fields: Fields) =>
    list.flatMap((raw, index): PathValue<z.output<S>>[] => {
      const path = `${name}[${index}]`;
      const { data, problems, dropped: others } = parseItem(schema, raw, fields);
      dropped.push(...others.map((key) => `${path}.${key}`));
      if (data !== undefined) return [{ path, value: data }];
      rejected.push(rejectedEntry(path, raw, problems));
      return [];
    });
  const snapshot = {
    ...frame,
    windows: readAll('windows', windows, windowSchema, WINDOW_FIELDS),
    occupancy: readAll('occupancy', occupancy, entrySchema, ENTRY_FIELDS),
    rejected,
    warnings: dropped.slice(0, MAX_DROPPED).map(droppedKeyWarning),
  };
  return { success: true, snapshot };
}

/** @param problems their paths are below the entry's own */
export function rejectedEntry(path: string, raw: unknown, problems: readonly Problem[]): RejectedEntry {
  const ref =
    typeof raw === 'object' && raw !== null && 'ref' in raw ? refSchema.safeParse(raw.ref).data : undefined;
  const below = problems.map((one) => ({
    path: one.path === '' ? path : `${path}.${one.path}`,
    reason: one.reason,
  }));
  return { path, ref: ref ?? null, reason: formatProblems(below), problems: below };
}
