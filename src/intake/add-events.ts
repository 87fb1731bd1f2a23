/** The step from events to jobs. */
import type { JobQueue } from '../queue/queues.js';
import type { OccupancyEventInput } from './vocabulary.js';

/** Adds checked events to the occupancy queue: all of them, or none. */
export async function addEvents(queue: JobQueue, events: readonly OccupancyEventInput[]): Promise<void> {
  await queue.addBulk(events.map((event) => ({ name: event.type, data: event })));
}
