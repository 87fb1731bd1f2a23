/** Reads one event as it came, and tells everything that is wrong with it at once. What needs its calendar is left to `resolve.ts`. */
import { check, describe, type Problem } from '../check.js';
import { otherKeys } from './fields.js';
import { unstorableIn } from './storable.js';
import { ANY_EVENT, EVENT_FIELDS, eventSchema, type ReadOccupancyEvent, refSchema } from './vocabulary.js';

export interface ReadEvent {
  /** Its own id, where it had a readable one. */
  readonly id: string | null;
  /** Its calendar's, where it had a readable one. */
  readonly calendar: string | undefined;
  /** Undefined where something is wrong with it. */
  readonly event: ReadOccupancyEvent | undefined;
  readonly problems: readonly Problem[];
  /** The paths of keys that no event of its type has: they are dropped. */
  readonly dropped: readonly string[];
}

/** Told of one event. */
const MOST_PROBLEMS = 100;
const MOST_DROPPED = 20;

export function readEvent(raw: unknown): ReadEvent {
  const { type, id, calendar } = partsOf(raw);
  const fields = (typeof type === 'string' ? EVENT_FIELDS[type] : undefined) ?? ANY_EVENT;
  const keys = otherKeys(raw, fields, Math.max(MOST_PROBLEMS, MOST_DROPPED));
  const checked = check(eventSchema, raw);
  const all = [
    ...(checked.success ? [] : checked.problems),
    ...keys.problems,
    ...unstorableIn(raw, MOST_PROBLEMS),
  ].map((problem) => [describe(problem), problem] as const);
  const problems = [...new Map(all).values()].slice(0, MOST_PROBLEMS);
  return {
    id: refSchema.safeParse(id).data ?? null,
    calendar: refSchema.safeParse(calendar).data,
    event: checked.success && problems.length === 0 ? checked.data : undefined,
    problems,
    dropped: keys.dropped.slice(0, MOST_DROPPED),
  };
}

/** All that is wrong with an event, as one sentence. */
export const sentenceOf = (problems: readonly Problem[]): string => problems.map(describe).join('; ');

/** What is told of a key that was dropped. */
export const droppedKey = (path: string): Problem => ({
  path,
  reason: `unknown key ${JSON.stringify(path)} was dropped`,
});

function partsOf(raw: unknown): {
  readonly type?: unknown;
  readonly id?: unknown;
  readonly calendar?: unknown;
} {
  return typeof raw === 'object' && raw !== null ? raw : {};
}
