/**
 * Parses a raw snapshot. An invalid window or appointment is rejected alone; because the snapshot is then incomplete, nothing counts
 * as missing from it.
 */

import type { z } from 'zod';
import { findUnstorableTexts, type Problem, validateShape } from '../../lib/validation.js';
import { refSchema, windowSchema } from '../event-schema.js';
import { type Fields, fieldsOf, findUnknownKeys } from '../known-fields.js';
import { droppedKeyWarning, formatProblems } from '../parse-event.js';
import { parseItem } from '../parse-item.js';
import { ENTRY_FIELDS, entrySchema, SNAPSHOT_FIELDS, snapshotSchema } from './snapshot-schema.js';

/** An invalid window or appointment of a snapshot. */
export interface RejectedEntry {
  /** `windows[0]` or `occupancy[0]`. */
  readonly path: string;
  /** The PMS's id of the appointment, where it is valid. */
  readonly ref: string | null;
  /** All problems, as one sentence. */
  readonly reason: string;
  readonly problems: readonly Problem[];
}

/** A valid entry and its path in the snapshot. */
export interface PathValue<T> {
  readonly path: string;
  readonly value: T;
}

type Frame = Omit<z.output<typeof snapshotSchema>, 'windows' | 'occupancy'>;

export interface ParsedSnapshot extends Frame {
  readonly windows: readonly PathValue<z.output<typeof windowSchema>>[];
  readonly occupancy: readonly PathValue<z.output<typeof entrySchema>>[];
  readonly rejected: readonly RejectedEntry[];
  /** Warnings about unknown keys, which are dropped. */
  readonly warnings: readonly Problem[];
}

export type SnapshotParseResult =
  | { readonly success: true; readonly snapshot: ParsedSnapshot }
  | { readonly success: false; readonly problems: readonly [Problem, ...Problem[]] };

const WINDOW_FIELDS = fieldsOf(windowSchema);
const MAX_PROBLEMS = 100;
const MAX_DROPPED = 20;

/** @param additional further allowed keys: `calendar`, in a line of a source */
export function parseSnapshot(input: unknown, additional: Fields = {}): SnapshotParseResult {
  const checked = validateShape(snapshotSchema, input);
  const keys = findUnknownKeys(input, { ...SNAPSHOT_FIELDS, ...additional }, MAX_PROBLEMS);
  const [first, ...others] = [...(checked.success ? [] : checked.problems), ...keys.problems];
  if (first !== undefined || !checked.success) {
    const wrong = first ?? { path: '', reason: 'is not as it should be' };
    return { success: false, problems: [wrong, ...others, ...findUnstorableTexts(input)] };
  }
  const { windows, occupancy, ...frame } = checked.data;
  const dropped = [...keys.dropped];
  const rejected: RejectedEntry[] = [];
  const parseAll = <S extends z.ZodType>(name: string, list: readonly unknown[], schema: S, fields: Fields) =>
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
    windows: parseAll('windows', windows, windowSchema, WINDOW_FIELDS),
    occupancy: parseAll('occupancy', occupancy, entrySchema, ENTRY_FIELDS),
    rejected,
    warnings: dropped.slice(0, MAX_DROPPED).map(droppedKeyWarning),
  };
  return { success: true, snapshot };
}

/** @param problems with paths relative to the entry */
export function rejectedEntry(path: string, raw: unknown, problems: readonly Problem[]): RejectedEntry {
  const ref =
    typeof raw === 'object' && raw !== null && 'ref' in raw ? refSchema.safeParse(raw.ref).data : undefined;
  const below = problems.map((one) => ({
    path: one.path === '' ? path : `${path}.${one.path}`,
    reason: one.reason,
  }));
  return { path, ref: ref ?? null, reason: formatProblems(below), problems: below };
}
