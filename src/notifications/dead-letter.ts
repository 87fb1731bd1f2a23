/**
 * What cannot be taken in is kept all the same, and shown as failed: a notification is said once, and one that the record
 * will not have must not take others along.
 */
import { isUnavailable } from '../db/is-unavailable.js';
import type { NotificationSubject } from './parsed-notification.js';

/** An id that is longer is none of the marketplace's, and more than an index takes. */
const MAX_ID = 200;

/** As it came, with nothing that it says applied, its time and an odd id neither: that may be what the record will not have. */
function kept({ name, hash, data, booking }: NotificationSubject, why: string): NotificationSubject {
  const problem = `it was understood, but could not be taken in: ${why}`;
  const about = booking !== undefined && booking.length <= MAX_ID ? { booking } : {};
  return { name, hash, createdAt: null, data, ...about, bookings: [], breaks: [], problem };
}

/**
 * Takes all in together; where that fails for a reason that will not pass, one after another, and those that fail again
 * without what they say. One that cannot even be kept takes no others along.
 * @throws what says that the record is away, at once: nobody is to blame for that. Of what else failed the first, at the end
 */
export async function ingestOrDeadLetter(
  subjects: readonly NotificationSubject[],
  take: (subjects: readonly NotificationSubject[]) => Promise<void>,
): Promise<void> {
  try {
    await take(subjects);
  } catch (error) {
    if (isUnavailable(error)) throw error;
    if (subjects.length > 1) return await ingestEach(subjects, take);
    const [subject] = subjects;
    if (subject === undefined || subject.problem !== undefined) throw error;
    await take([kept(subject, describe(error))]);
  }
}

async function ingestEach(
  subjects: readonly NotificationSubject[],
  take: (subjects: readonly NotificationSubject[]) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  for (const subject of subjects) {
    try {
      await ingestOrDeadLetter([subject], take);
    } catch (error) {
      if (isUnavailable(error)) throw error;
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Without its message, in which there may be a value. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? `${error.name} ${error.code}` : error.name;
}
