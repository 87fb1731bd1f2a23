/**
 * Ingests notifications: one transaction stores them for the clinic and applies their updates to the database. A notification may
 * repeat, be late, arrive in any order and on several channels at once; an update that is known already changes nothing.
 */
import { DAY } from '../core/duration.js';
import { LOWEST_PRIORITY, localDate } from '../core/index.js';
import type { Encryptor } from '../crypto/encryptor.js';
import { writeCombined } from '../db/combined-write.js';
import { COMMIT } from '../db/pipeline.js';
import { retryDeadlock } from '../db/retry.js';
import type { Db } from '../db/schema.js';
import { upsertBookings } from '../db/tables/bookings.js';
import { scheduleAddressReads } from '../db/tables/calendar-reads.js';
import { type DirtyDay, markDaysOfService, markStoredDays } from '../db/tables/days.js';
import { retryFailures } from '../db/tables/failures.js';
import { insertHistoryOfMarks } from '../db/tables/history.js';
import { findBookingsInDoubt } from '../db/tables/in-doubt.js';
import { clinicIdOf, type LockedCalendar } from '../db/tables/locked-calendars.js';
import {
  type AddedNotification,
  findAppliedCalendars,
  insertNotifications,
  type NewNotification,
  recordNotifications,
  toAddedNotifications,
} from '../db/tables/notifications.js';
import { claimJobs, type PendingCalendar } from '../db/tables/pending-calendars.js';
import { deleteReservations } from '../db/tables/reservations.js';
import { applyBreaks } from '../marketplace-state/apply-breaks.js';
import { collectJobs } from '../marketplace-state/mark-days-dirty.js';
import {
  applyNotifiedBookings,
  bookedStarts,
  collectUpdates,
  type NotifiedBookings,
} from './apply-bookings.js';
import { conflictsAmong, toConflictItem } from './conflicts.js';
import { type Affected, loadAffected } from './load-affected.js';
import type { NotificationSubject } from './parsed-notification.js';

/** The channel of a notification. `state-only` changes the database and stores nothing for the clinic yet. */
export type Source = 'push' | 'pull' | 'sweep' | 'state-only';

export interface IngestedNotifications {
  /** The notifications that were not stored before. */
  readonly added: readonly AddedNotification[];
  /** The calendars that now have something to publish and no job for it. */
  readonly jobsToEnqueue: readonly PendingCalendar[];
}

/**
 * Ingests any number of notifications with the same number of statements as one.
 * @param account the account's id
 * @param now epoch milliseconds
 * @throws {RangeError} where a booking lasts for more than 7 days
 */
export async function ingestNotifications(
  db: Db,
  encryptor: Encryptor,
  account: string,
  notifications: readonly NotificationSubject[],
  source: Source,
  now: number,
): Promise<IngestedNotifications> {
  if (notifications.length === 0) return { added: [], jobsToEnqueue: [] };
  return await retryDeadlock(() =>
    db.transaction().execute(async (tx) => {
      const at = new Date(now);
      const affected = await loadAffected(tx, account, notifications);
      const subjects = await withoutInDoubtMoves(tx, account, notifications, affected);
      refuseTooLong(subjects);
      const updates = collectUpdates(subjects, affected);
      const bookings = applyNotifiedBookings(updates, affected.bookings, now);
      const others = await applyBreaksAndAddresses(tx, account, subjects, affected, now);
      const isOwn = (subject: NotificationSubject): boolean =>
        others.own.has(subject.hash) ||
        isOfPlaceholders(subject, affected, bookings) ||
        isOwnMove(subject, bookings);
      const items =
        source === 'state-only'
          ? []
          : subjects
              .filter((subject) => !isOwn(subject))
              .map((subject) => toItem(account, subject, affected.calendarOf(subject), bookings, source));
      const conflicts = conflictsAmong(account, bookings.standing, affected.appointments);
      const toAdd = [...items, ...conflicts.map((conflict) => toConflictItem(conflict, now))];
      const days = [...bookings.days, ...others.days];
      const retried = await retryFailures(tx, calendarsToRetry(subjects, affected), at);
      const additional = [...others.touched, ...retried].map((calendar) => ({
        calendar,
        priority: LOWEST_PRIORITY,
      }));
      const written = await writeCombined(
        tx,
        [upsertBookings(bookings.changed, at), deleteReservations(bookedStarts(updates))],
        {
          marked: markStoredDays(days, at),
          added: insertNotifications(encryptor, toAdd, at),
          jobsToEnqueue: claimJobs(collectJobs(days, additional)),
        },
        [
          ...recordNotifications('added', toAdd, at),
          ...(days.length > 0 ? [insertHistoryOfMarks('marked', 'marketplace', at)] : []),
        ],
        COMMIT,
      );
      return {
        added: toAddedNotifications(written.added, toAdd).added,
        jobsToEnqueue: written.jobsToEnqueue,
      };
    }),
  );
}

const MAX_BOOKING_MS = 7 * DAY;

/** Refuses a booking of more than a week, which would close its calendar for as long. @throws {RangeError} */
function refuseTooLong(subjects: readonly NotificationSubject[]): void {
  for (const { status, start, end } of subjects.flatMap(({ bookings }) => bookings)) {
    if (status === 'booked' && end - start > MAX_BOOKING_MS) {
      throw new RangeError('a booking lasts for more than 7 days');
    }
  }
}

/** Notifications after which a failed calendar is retried: the address belongs to the account again, or its services changed. */
const RETRYING_NAMES: ReadonlySet<string> = new Set([
  'address-assigned',
  'address-service-created',
  'address-service-changed',
  'address-service-deleted',
  'address-commercial-type-changed',
]);

function calendarsToRetry(subjects: readonly NotificationSubject[], { calendarOf }: Affected): string[] {
  return subjects.flatMap((subject) => {
    const calendar = RETRYING_NAMES.has(subject.name) ? calendarOf(subject) : undefined;
    return calendar === undefined ? [] : [calendar.id];
  });
}

interface AppliedOthers {
  readonly days: readonly DirtyDay[];
  /** Calendars whose address is to be read again; some have days that are marked already. */
  readonly touched: readonly string[];
  /** The hashes of notifications that only repeat a break of this engine. */
  readonly own: ReadonlySet<string>;
}

/**
 * Applies break updates, and changes of what an address offers. Neither has an order in which a repetition is recognised: an
 * address change has none at all, a break none within a second. A notification that is stored for its calendar already is
 * therefore not applied again.
 */
async function applyBreaksAndAddresses(
  tx: Db,
  account: string,
  subjects: readonly NotificationSubject[],
  { calendarOf }: Affected,
  now: number,
): Promise<AppliedOthers> {
  const days: DirtyDay[] = [];
  const touched = new Set<string>();
  const own = new Set<string>();
  const others = new Map(
    subjects
      .filter(({ breaks, address }) => breaks.length > 0 || address === true)
      .map((one) => [one.hash, one]),
  );
  const stored = await findAppliedCalendars(tx, account, [...others.keys()]);
  for (const subject of others.values()) {
    const calendar = calendarOf(subject);
    if (calendar === undefined || stored.get(subject.hash) === clinicIdOf(calendar)) continue;
    if (subject.breaks.length > 0) {
      const applied = await applyBreaks(tx, calendar, subject.breaks, now);
      days.push(...applied.days);
      if (applied.isOwn) own.add(subject.hash);
    }
    if (subject.service !== undefined) {
      await markDaysOfService(tx, calendar.id, subject.service, new Date(now));
    }
    if (subject.address) touched.add(calendar.id);
  }
  await scheduleAddressReads(tx, [...touched], new Date(now));
  return { days, touched: [...touched], own };
}

/** Whether the notification is only about placeholders of this engine. */
function isOfPlaceholders(
  subject: NotificationSubject,
  { calendarOf }: Affected,
  bookings: NotifiedBookings,
): boolean {
  const calendar = calendarOf(subject);
  if (calendar === undefined || subject.bookings.length === 0) return false;
  return subject.bookings.every(
    ({ id, placeholder }) =>
      placeholder !== undefined || bookings.findBooking(calendar.id, id)?.placeholder === true,
  );
}

/** Whether the notification reports the end of a booking that this engine has moved. */
const isOwnMove = ({ byIntegration, booking }: NotificationSubject, bookings: NotifiedBookings): boolean =>
  byIntegration === true && booking !== undefined && bookings.findMovedTo(booking) !== undefined;

/**
 * Leaves out notifications that this integration ended a booking whose move by this engine is in doubt. The sender of the move
 * resolves it, and until then the booking stays as it is stored.
 */
async function withoutInDoubtMoves(
  tx: Db,
  account: string,
  subjects: readonly NotificationSubject[],
  { bookings }: Affected,
): Promise<readonly NotificationSubject[]> {
  const standing = new Set(bookings.filter(({ status }) => status === 'booked').map(({ id }) => id));
  const ended = subjects.flatMap(({ byIntegration, booking }) =>
    byIntegration && booking !== undefined && standing.has(booking) ? [booking] : [],
  );
  const inDoubt = await findBookingsInDoubt(tx, account, ended);
  return subjects.filter(({ byIntegration, booking }) => !(byIntegration && inDoubt.has(booking ?? '')));
}

function toItem(
  account: string,
  { name, hash, createdAt, booking, data, problem }: NotificationSubject,
  calendar: LockedCalendar | undefined,
  bookings: NotifiedBookings,
  source: NewNotification['source'],
): NewNotification {
  const known =
    calendar === undefined || booking === undefined ? undefined : bookings.findBooking(calendar.id, booking);
  const movedTo = known && bookings.findMovedTo(known.id);
  return {
    account,
    calendar: calendar === undefined ? null : clinicIdOf(calendar),
    name,
    hash,
    createdAt,
    source,
    booking,
    // The link of a moved booking belongs to its successor.
    ref: movedTo === undefined ? (known?.ref ?? undefined) : undefined,
    movedTo,
    date: known && calendar && localDate(known.start.getTime(), calendar.timeZone),
    data,
    problem,
  };
}
