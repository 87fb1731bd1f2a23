/** A bare BullMQ queue with one worker, on any of the backends. */
import { createPostgresBackend, Queue, Worker } from 'bullmq';
import { openDatabase } from '../../dist/store/database.js';
import { Queues } from '../../dist/queue/queues.js';
import type { Backend } from './backends.js';

export interface Bare {
  /** Milliseconds from before the add to the processor. */
  roundTrip(): Promise<number>;
  close(): Promise<void>;
}
