/**
 * Takes notifications in: in one transaction they are kept for the clinic, and what they say changes the record. They
 * may come twice, late, in any order and by several ways at once; what is known already changes nothing.
 */
import { DAY } from '../core/duration.js';
import { LOWEST_PRIORITY } from '../core/index.js';
import type { Encryptor } from '../crypto/encryptor.js';
import { writeCombined } from '../db/combined-write.js';
import { COMMIT } from '../db/pipeline.js';
import { retryDeadlock } from '../db/retry.js';
import type { Db } from '../db/schema.js';
import { scheduleAddressReads } from '../db/tables/address-services.js';
import { savingBookings } from '../db/tables/bookings.js';
import { type DirtyDay, markDaysOfService, markingOccupancy } from '../db/tables/days.js';
import { type LockedCalendar, nameOf } from '../db/tables/events.js';
import { retryFailuresOf } from '../db/tables/failures.js';
import { findInDoubtMoves } from '../db/tables/in-doubt-moves.js';
import {
  type AddedNotification,
  addedOf,
  addingNotifications,
  calendarsOfKept,
  type NewNotification,
} from '../db/tables/notifications.js';
import { claimingJobs, type PendingCalendar } from '../db/tables/pending-calendars.js';
import { endingReservations } from '../db/tables/reservations.js';
import { applyBreaks } from '../marketplace-state/apply-breaks.js';
import { jobsOf } from '../marketplace-state/mark-days-dirty.js';
import { applyNotifiedBookings, cameIn, type NotifiedBookings, updatesIn } from './apply-bookings.js';
import { conflictItem, conflictsAmong } from './conflicts.js';
import { type Affected, loadAffected } from './load-affected.js';
import type { NotificationSubject } from './parsed-notification.js';

/** How it became known. What is only read changes the record, and is kept for nobody yet. */
export type Source = 'push' | 'pull' | 'sweep' | 'reading';

export interface IngestedNotifications {
  /** Those that were not known already. */
  readonly added: readonly AddedNotification[];
  /** The calendars that now have something to publish and no job that would see to it. */
  readonly jobsToEnqueue: readonly PendingCalendar[];
}

/**
 * What many say is taken in with as few statements as what one says.
 * @param account its id
 * @param now epoch milliseconds
 */
export async function ingestNotifications(
  db: Db,
  encryptor: Encryptor,
  account: string,
  said: readonly NotificationSubject[],
  source: Source,
  now: number,
): Promise<IngestedNotifications> {
  if (said.length === 0) return { added: [], jobsToEnqueue: [] };
  return await retryDeadlock(() =>
    db.transaction().execute(async (tx) => {
      const at = new Date(now);
      const calendars = await loadAffected(tx, account, said);
      const subjects = await withoutUnsettled(tx, account, said, calendars);
      refuseTooLong(subjects);
      const spoken = updatesIn(subjects, calendars);
      const bookings = applyNotifiedBookings(spoken, calendars.known, now);
      const others = await ingestOthers(tx, account, subjects, calendars, now);
      const isOwn = (subject: NotificationSubject): boolean =>
        others.own.has(subject.hash) ||
        isOfPlaceholders(subject, calendars, bookings) ||
        isOwnMove(subject, bookings);
      const items =
        source === 'reading'
          ? []
          : subjects
              .filter((subject) => !isOwn(subject))
              .map((subject) => itemOf(account, subject, calendars.at(subject), bookings, source));
      const conflicts = conflictsAmong(account, bookings.standing, calendars.appointments);
      const told = [...items, ...conflicts.map(conflictItem)];
      const days = [...bookings.days, ...others.days];
      const retried = await retryFailuresOf(tx, mended(subjects, calendars), at);
      const also = [...others.touched, ...retried].map((calendar) => ({
        calendar,
        priority: LOWEST_PRIORITY,
      }));
      const written = await writeCombined(
        tx,
        [
          savingBookings(bookings.changed, at),
          markingOccupancy(days, at),
          endingReservations(cameIn(spoken)),
        ],
        { added: addingNotifications(encryptor, told, at), jobsToEnqueue: claimingJobs(jobsOf(days, also)) },
        COMMIT,
      );
      return { added: addedOf(written.added, told).added, jobsToEnqueue: written.jobsToEnqueue };
    }),
  );
}

const MAX_BOOKING_MS = 7 * DAY;

/** A booking of more than a week is none: it would shut its calendar for as long. @throws {RangeError} for the first of them */
function refuseTooLong(subjects: readonly NotificationSubject[]): void {
  for (const { status, start, end } of subjects.flatMap(({ bookings }) => bookings)) {
    if (status === 'booked' && end - start > MAX_BOOKING_MS) {
      throw new RangeError('a booking lasts for more than 7 days');
    }
  }
}

/** What may have made a failure go away: the address is the account's again, or its services are others. */
const MENDS: ReadonlySet<string> = new Set([
  'address-assigned',
  'address-service-created',
  'address-service-changed',
  'address-service-deleted',
  'address-commercial-type-changed',
]);

function mended(subjects: readonly NotificationSubject[], { at }: Affected): string[] {
  return subjects.flatMap((subject) => {
    const calendar = MENDS.has(subject.name) ? at(subject) : undefined;
    return calendar === undefined ? [] : [calendar.id];
  });
}

interface IngestedOthers {
  readonly days: readonly DirtyDay[];
  /** Calendars whose address is read anew, some with days that were marked already. */
  readonly touched: readonly string[];
  /** The hashes of those that only repeat a break of ours. */
  readonly own: ReadonlySet<string>;
}

/**
 * Breaks, and addresses that do not have what they had. Neither has an order that would tell one that is said again: an
 * address none at all, a break none within a second. So what is kept for its calendar already is not taken in again.
 */
async function ingestOthers(
  tx: Db,
  account: string,
  subjects: readonly NotificationSubject[],
  { at }: Affected,
  now: number,
): Promise<IngestedOthers> {
  const days: DirtyDay[] = [];
  const touched = new Set<string>();
  const own = new Set<string>();
  const others = new Map(
    subjects
      .filter(({ breaks, address }) => breaks.length > 0 || address === true)
      .map((one) => [one.hash, one]),
  );
  const kept = await calendarsOfKept(tx, account, [...others.keys()]);
  for (const subject of others.values()) {
    const calendar = at(subject);
    if (calendar === undefined || kept.get(subject.hash) === nameOf(calendar)) continue;
    if (subject.breaks.length > 0) {
      const taken = await applyBreaks(tx, calendar, subject.breaks, now);
      days.push(...taken.days);
      if (taken.isOwn) own.add(subject.hash);
    }
    if (subject.service !== undefined) {
      await markDaysOfService(tx, calendar.id, subject.service, new Date(now));
    }
    if (subject.address) touched.add(calendar.id);
  }
  await scheduleAddressReads(tx, [...touched], new Date(now));
  return { days, touched: [...touched], own };
}

/** Whether it only repeats what we did ourselves. */
function isOfPlaceholders(subject: NotificationSubject, { at }: Affected, heard: NotifiedBookings): boolean {
  const calendar = at(subject);
  if (calendar === undefined || subject.bookings.length === 0) return false;
  return subject.bookings.every(
    ({ id, placeholder }) => placeholder !== undefined || heard.find(calendar.id, id)?.placeholder === true,
  );
}

/** Whether it says that a booking is over that we have moved. */
const isOwnMove = ({ byIntegration, booking }: NotificationSubject, heard: NotifiedBookings): boolean =>
  byIntegration === true && booking !== undefined && heard.movedTo(booking) !== undefined;

/**
 * Without those that say that we have ended a booking of which we have sent a move and do not know yet what became of it:
 * whoever has sent it finds that out, and until then the booking is as it was.
 */
async function withoutUnsettled(
  tx: Db,
  account: string,
  subjects: readonly NotificationSubject[],
  { known }: Affected,
): Promise<readonly NotificationSubject[]> {
  const standing = new Set(known.filter(({ status }) => status === 'booked').map(({ id }) => id));
  const ended = subjects.flatMap(({ byIntegration, booking }) =>
    byIntegration && booking !== undefined && standing.has(booking) ? [booking] : [],
  );
  const sent = await findInDoubtMoves(tx, account, ended);
  return subjects.filter(({ byIntegration, booking }) => !(byIntegration && sent.has(booking ?? '')));
}

function itemOf(
  account: string,
  { name, hash, createdAt, booking, data, problem }: NotificationSubject,
  calendar: LockedCalendar | undefined,
  heard: NotifiedBookings,
  source: NewNotification['source'],
): NewNotification {
  const known =
    calendar === undefined || booking === undefined ? undefined : heard.find(calendar.id, booking);
  const movedTo = known && heard.movedTo(known.id);
  return {
    account,
    calendar: calendar === undefined ? null : nameOf(calendar),
    name,
    hash,
    createdAt,
    source,
    booking,
    // What it was linked to is linked to what it is now.
    ref: movedTo === undefined ? (known?.ref ?? undefined) : undefined,
    movedTo,
    data,
    problem,
  };
}
