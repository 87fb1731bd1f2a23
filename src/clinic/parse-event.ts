/** Parses one raw event and finds all its problems at once. Checks that need the calendar are in `resolve-event.ts`. */
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
  /** The event's id, where it is valid. */
  readonly id: string | null;
  /** The calendar's id, where it is valid. */
  readonly calendar: string | undefined;
  /** Undefined where the event has problems. */
  readonly event: ParsedOccupancyEvent | undefined;
  readonly problems: readonly Problem[];
  /** The paths of unknown keys, which are dropped. */
  readonly dropped: readonly string[];
}

export function parseEvent(raw: unknown): ParsedEvent {
  const { type, id, calendar } = fieldsOf(raw);
  const fields = (typeof type === 'string' ? EVENT_FIELDS[type] : undefined) ?? ANY_EVENT;
  const { data, ...item } = parseItem(eventSchema, raw, fields);
  return {
    id: refSchema.safeParse(id).data ?? null,
    calendar: refSchema.safeParse(calendar).data,
    event: data,
    ...item,
  };
}

/** All problems as one sentence. */
export const formatProblems = (problems: readonly Problem[]): string =>
  problems.map(formatProblem).join('; ');

/** The warning about a dropped key. */
export const droppedKeyWarning = (path: string): Problem => ({
  path,
  reason: `unknown key ${JSON.stringify(path)} was dropped`,
});

function fieldsOf(raw: unknown): {
  readonly type?: unknown;
  readonly id?: unknown;
  readonly calendar?: unknown;
} {
  return typeof raw === 'object' && raw !== null ? raw : {};
}
