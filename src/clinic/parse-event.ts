/** Reads one event as it came, and tells everything that is wrong with it at once. What needs its calendar is left to `resolve.ts`. */
import { formatProblem, type Problem } from '../lib/validation.js';
import {
  ANY_EVENT,
  EVENT_FIELDS,
  eventSchema,
  type ParsedOccupancyEvent,
  refSchema,
} from './event-schema.js';
import { parseItem } from './parse-item.js';

export interface ParsedEvent {
  /** Its own id, where it had a readable one. */
  readonly id: string | null;
  /** Its calendar's, where it had a readable one. */
  readonly calendar: string | undefined;
  /** Undefined where something is wrong with it. */
  readonly event: ParsedOccupancyEvent | undefined;
  readonly problems: readonly Problem[];
  /** The paths of keys that no event of its type has: they are dropped. */
  readonly dropped: readonly string[];
}

export function parseEvent(raw: unknown): ParsedEvent {
  const { type, id, calendar } = containerOf(raw);
  const fields = (typeof type === 'string' ? EVENT_FIELDS[type] : undefined) ?? ANY_EVENT;
  const { data, ...item } = parseItem(eventSchema, raw, fields);
  return {
    id: refSchema.safeParse(id).data ?? null,
    calendar: refSchema.safeParse(calendar).data,
    event: data,
    ...item,
  };
}

/** All that is wrong with an event, as one sentence. */
export const formatProblems = (problems: readonly Problem[]): string =>
  problems.map(formatProblem).join('; ');

/** What is told of a key that was dropped. */
export const droppedKeyWarning = (path: string): Problem => ({
  path,
  reason: `unknown key ${JSON.stringify(path)} was dropped`,
});

function containerOf(raw: unknown): {
  readonly type?: unknown;
  readonly id?: unknown;
  readonly calendar?: unknown;
} {
  return typeof raw === 'object' && raw !== null ? raw : {};
}
