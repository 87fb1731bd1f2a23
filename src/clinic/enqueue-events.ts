/** Converts occupancy events into jobs of the occupancy queue. */
import type { JobQueue } from '../queue/queues.js';
import type { ParsedOccupancyEvent } from './event-schema.js';
import { InvalidEventError } from './invalid-event-error.js';
import type { OccupancyEvent } from './occupancy-event.js';
import { formatProblems, parseEvent } from './parse-event.js';

/**
 * Parses events for the queue; unknown keys are dropped.
 * @throws {InvalidEventError} with all problems of all events
 */
export function parseEvents(events: readonly OccupancyEvent[]): readonly ParsedOccupancyEvent[] {
  const parsed = events.map((event) => parseEvent(event));
  const rejected = parsed.flatMap(({ problems }, index) =>
    problems.length === 0 ? [] : [{ index, problems, reason: formatProblems(problems) }],
  );
  if (rejected.length > 0) throw new InvalidEventError(rejected);
  return parsed.flatMap(({ event }) => event ?? []);
}

/** Adds events to the occupancy queue: all of them, or none. */
export async function enqueueEvents(queue: JobQueue, events: readonly ParsedOccupancyEvent[]): Promise<void> {
  await queue.addBulk(events.map((event) => ({ name: event.type, data: event })));
}
