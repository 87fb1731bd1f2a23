/**
 * Stores a notification that cannot be applied as a dead letter: the marketplace sends a notification once, and one that the
 * database refuses must not prevent others from being stored.
 */
import { isUnavailable } from '../db/is-unavailable.js';
import type { NotificationSubject } from './parsed-notification.js';

/** The marketplace has no longer ids, and an index does not accept them. */
const MAX_ID_LENGTH = 200;

/**
 * The notification with its data and without its updates. Its time and an overlong id are left out, because they may be what the
 * database refuses.
 */
function toDeadLetter(
  { name, hash, data, booking }: NotificationSubject,
  reason: string,
): NotificationSubject {
  const problem = `the notification was parsed but could not be applied: ${reason}`;
  const named = booking !== undefined && booking.length <= MAX_ID_LENGTH ? { booking } : {};
  return { name, hash, createdAt: null, data, ...named, bookings: [], breaks: [], problem };
}

type Ingest = (subjects: readonly NotificationSubject[]) => Promise<void>;

/**
 * Ingests all notifications together. Where that fails for a permanent reason they are ingested one by one, and those that fail
 * again are stored as dead letters. A notification that cannot be stored even so does not affect others.
 * @throws an error that says that the database is unavailable, at once; of other errors the first, after all were tried
 */
export async function ingestOrDeadLetter(
  subjects: readonly NotificationSubject[],
  ingest: Ingest,
): Promise<void> {
  try {
    await ingest(subjects);
  } catch (error) {
    if (isUnavailable(error)) throw error;
    if (subjects.length > 1) return await ingestEach(subjects, ingest);
    const [subject] = subjects;
    if (subject === undefined || subject.problem !== undefined) throw error;
    await ingest([toDeadLetter(subject, describe(error))]);
  }
}

async function ingestEach(subjects: readonly NotificationSubject[], ingest: Ingest): Promise<void> {
  const failures: unknown[] = [];
  for (const subject of subjects) {
    try {
      await ingestOrDeadLetter([subject], ingest);
    } catch (error) {
      if (isUnavailable(error)) throw error;
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Without the error's message, which may contain a value. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? `${error.name} ${error.code}` : error.name;
}
