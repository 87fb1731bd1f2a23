/** The step from events to jobs. */
import type { JobQueue } from '../queue/queues.js';
import type { ParsedOccupancyEvent } from './event-schema.js';
import { InvalidEventError } from './invalid-event-error.js';
import type { OccupancyEvent } from './occupancy-event.js';
import { formatProblems, parseEvent } from './parse-event.js';

/**
 * Events as they are put on the queue: with their fields alone.
 * @throws {InvalidEventError} with everything that is wrong with all of them
 */
export function parseEvents(events: readonly OccupancyEvent[]): readonly ParsedOccupancyEvent[] {
  const read = events.map((event) => parseEvent(event));
  const rejected = read.flatMap(({ problems }, index) =>
    problems.length === 0 ? [] : [{ index, problems, reason: formatProblems(problems) }],
  );
  if (rejected.length > 0) throw new InvalidEventError(rejected);
  return read.flatMap(({ event }) => event ?? []);
}

/** Adds events to the occupancy queue: all of them, or none. */
export async function enqueueEvents(queue: JobQueue, events: readonly ParsedOccupancyEvent[]): Promise<void> {
  await queue.addBulk(events.map((event) => ({ name: event.type, data: event })));
}
