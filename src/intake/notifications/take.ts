/**
 * Takes notifications in: in one transaction they are kept for the clinic, and what they say changes the record. They
 * may come twice, late, in any order and by several ways at once; what is known already changes nothing.
 */
import { LEAST_URGENT } from '../../core/index.js';
import { wakesOf } from '../../occupancy/mark.js';
import { withSuccessors } from '../../occupancy/take-bookings.js';
import { takeBreaks } from '../../occupancy/take-breaks.js';
import type { Sealer } from '../../privacy/sealer.js';
import { atOnce, COMMIT } from '../../store/at-once.js';
import {
  findBookingsOf,
  findingBookings,
  type StoredBooking,
  savingBookings,
  toBooking,
} from '../../store/bookings.js';
import { type Appointment, findingAppointments, type SpanAtPlace } from '../../store/conflicts.js';
import { type DayChange, markDaysOfService, markingOccupancy } from '../../store/days.js';
import { type LockedCalendar, lockCalendars, lockingPlaces, toLockedPlace } from '../../store/events.js';
import {
  type AddedNotification,
  addedOf,
  addingNotifications,
  calendarsOfKept,
  type NewNotification,
} from '../../store/notifications.js';
import { endingReservations } from '../../store/reservations.js';
import { retryDeadlock } from '../../store/retry-deadlock.js';
import type { Db } from '../../store/schema.js';
import { claimingWakes, type WantedCalendar } from '../../store/wanted.js';
import { writeTogether } from '../../store/write-together.js';
import { conflictItem, conflictsAmong } from '../conflicts.js';
import { type HeardBookings, hearBookings, type SaidIn } from './heard-bookings.js';
import type { Place, Subject } from './subject.js';

/** How it became known. What is only read changes the record, and is kept for nobody yet. */
export type Source = 'push' | 'pull' | 'sweep' | 'reading';

export interface TakenNotifications {
  /** Those that were not known already. */
  readonly added: readonly AddedNotification[];
  /** The calendars that now have something to publish and no job that would see to it. */
  readonly wakes: readonly WantedCalendar[];
}

/**
 * What many say is taken in with as few statements as what one says.
 * @param account its id
 * @param now epoch milliseconds
 */
export async function takeNotifications(
  db: Db,
  sealer: Sealer,
  account: string,
  subjects: readonly Subject[],
  source: Source,
  now: number,
): Promise<TakenNotifications> {
  if (subjects.length === 0) return { added: [], wakes: [] };
  return await retryDeadlock(() =>
    db.transaction().execute(async (tx) => {
      const calendars = await calendarsOf(tx, account, subjects);
      const spoken = saidIn(subjects, calendars);
      const bookings = hearBookings(spoken, calendars.known, now);
      const others = await takeOthers(tx, account, subjects, calendars, now);
      const isOwn = (subject: Subject): boolean =>
        others.own.has(subject.hash) || isOfPlaceholders(subject, calendars, bookings);
      const items =
        source === 'reading'
          ? []
          : subjects
              .filter((subject) => !isOwn(subject))
              .map((subject) => itemOf(account, subject, calendars.at(subject)?.id, bookings, source));
      const conflicts = sealer.hasKey
        ? conflictsAmong(account, bookings.standing, calendars.appointments)
        : [];
      const told = [...items, ...conflicts.map(conflictItem)];
      const at = new Date(now);
      const days = [...bookings.days, ...others.days];
      const also = others.touched.map((calendar) => ({ calendar, urgency: LEAST_URGENT }));
      const written = await writeTogether(
        tx,
        [
          savingBookings(bookings.changed, at),
          markingOccupancy(days, at),
          endingReservations(cameIn(spoken)),
        ],
        { added: addingNotifications(sealer, told, at), wakes: claimingWakes(wakesOf(days, also)) },
        COMMIT,
      );
      return { added: addedOf(written.added, told).added, wakes: written.wakes };
    }),
  );
}

interface Calendars {
  /** The one that it is about, locked. */
  at(subject: Subject): LockedCalendar | undefined;
  /** Any that is concerned, locked. */
  find(id: string): LockedCalendar | undefined;
  /** The bookings that are spoken of, as they are before anything is taken in. */
  readonly known: readonly StoredBooking[];
  /** Of the PMS, at the times of these bookings. */
  readonly appointments: readonly Appointment[];
}

/** All that are concerned, locked together; and what is known of what is said, as it is from then on. */
async function calendarsOf(tx: Db, account: string, subjects: readonly Subject[]): Promise<Calendars> {
  const places = new Map(
    subjects.flatMap(({ place }) => (place === undefined ? [] : [[keyOf(place), place]])),
  );
  const said = subjects.flatMap(({ bookings }) => bookings.map(({ id }) => id));
  // Those of what has no place are not looked for: they may be what the record would not have.
  const spokenOf = subjects.flatMap(({ place, booking, bookings }) =>
    place === undefined || booking === undefined || bookings.length > 0 ? [] : [booking],
  );
  const ids = [...new Set([...said, ...spokenOf])];
  const [lockedRows, knownRows, appointments] = await atOnce(tx, (ask) =>
    Promise.all([
      ask(lockingPlaces(account, [...places.values()], [...new Set(said)])),
      ask(findingBookings(account, ids)),
      ask(findingAppointments(account, spansOf(subjects), spokenOf)),
    ]),
  );
  const locked = lockedRows.map(toLockedPlace);
  const byPlace = new Map(locked.map(({ place, calendar }) => [keyOf(place), calendar]));
  const byId = new Map(locked.map(({ calendar }) => [calendar.id, calendar]));
  const find = (some: readonly string[]) => findBookingsOf(tx, account, some);
  let known = await withSuccessors(knownRows.map(toBooking), find);
  const elsewhere = known.map(({ calendar }) => calendar).filter((id) => !byId.has(id));
  if (elsewhere.length > 0) {
    for (const [id, calendar] of await lockCalendars(tx, elsewhere)) byId.set(id, calendar);
    known = await withSuccessors(await find(ids), find);
  }
  return {
    at: ({ place }) => place && byPlace.get(keyOf(place)),
    find: (id) => byId.get(id),
    known,
    appointments,
  };
}

/** The times that are said to be booked. */
function spansOf(subjects: readonly Subject[]): SpanAtPlace[] {
  return subjects.flatMap(({ place, bookings }) =>
    place === undefined
      ? []
      : bookings
          .filter(isStanding)
          .map(({ start, end }) => ({ ...place, start: new Date(start), end: new Date(end) })),
  );
}

const keyOf = ({ facilityId, doctorId, addressId }: Place): string =>
  JSON.stringify([facilityId, doctorId, addressId]);

/**
 * What is said of bookings, in its order, each with the calendar that it is in; and bookings that are only spoken of. One
 * that moved to another address of its doctor ends where it was, whichever of the two is heard of first.
 */
function saidIn(subjects: readonly Subject[], { at, find, known }: Calendars): readonly SaidIn[] {
  const home = new Map(known.filter(isStanding).map(({ id, calendar }) => [id, find(calendar)]));
  const over = new Set(known.filter((one) => !isStanding(one)).map(({ id }) => id));
  return subjects.flatMap((subject): readonly SaidIn[] => {
    const calendar = at(subject);
    if (calendar === undefined) return [];
    if (subject.bookings.length === 0) {
      return subject.booking === undefined ? [] : [{ calendar, booking: subject.booking }];
    }
    return subject.bookings.map((said) => {
      const { id } = said;
      if (said.status === 'booked') {
        if (over.has(id)) return { calendar, booking: id, said: { ...said, status: 'moved' } };
        home.set(id, calendar);
        return { calendar, booking: id, said };
      }
      over.add(id);
      return { calendar: home.get(id) ?? calendar, booking: id, said };
    });
  });
}

const isStanding = ({ status }: Pick<StoredBooking, 'status'>): boolean => status === 'booked';

/** What is said to be booked, and was not known to be over before. */
const cameIn = (said: readonly SaidIn[]): { calendar: string; start: Date }[] =>
  said.flatMap(({ calendar, said: one }) =>
    one?.status === 'booked' && one.placeholder === undefined
      ? [{ calendar: calendar.id, start: new Date(one.start) }]
      : [],
  );

interface TakenOthers {
  readonly days: readonly DayChange[];
  /** Calendars with days that were marked already. */
  readonly touched: readonly string[];
  /** The hashes of those that only repeat a break of ours. */
  readonly own: ReadonlySet<string>;
}

/**
 * Breaks, and services that are not what they were. Neither has an order that would tell one that is said again: a service
 * none at all, a break none within a second. So what is kept for its calendar already is not taken in again.
 */
async function takeOthers(
  tx: Db,
  account: string,
  subjects: readonly Subject[],
  { at }: Calendars,
  now: number,
): Promise<TakenOthers> {
  const days: DayChange[] = [];
  const touched: string[] = [];
  const own = new Set<string>();
  const others = new Map(
    subjects
      .filter(({ breaks, service }) => breaks.length > 0 || service !== undefined)
      .map((one) => [one.hash, one]),
  );
  const kept = await calendarsOfKept(tx, account, [...others.keys()]);
  for (const subject of others.values()) {
    const calendar = at(subject);
    if (calendar === undefined || kept.get(subject.hash) === calendar.id) continue;
    if (subject.breaks.length > 0) {
      const taken = await takeBreaks(tx, calendar, subject.breaks, now);
      days.push(...taken.days);
      if (taken.isOwn) own.add(subject.hash);
    }
    if (subject.service === undefined) continue;
    const marked = await markDaysOfService(tx, calendar.id, subject.service, new Date(now));
    if (marked > 0) touched.push(calendar.id);
  }
  return { days, touched, own };
}

/** Whether it only repeats what we did ourselves. */
function isOfPlaceholders(subject: Subject, { at }: Calendars, heard: HeardBookings): boolean {
  const calendar = at(subject);
  if (calendar === undefined || subject.bookings.length === 0) return false;
  return subject.bookings.every(
    ({ id, placeholder }) => placeholder !== undefined || heard.find(calendar.id, id)?.placeholder === true,
  );
}

function itemOf(
  account: string,
  { name, hash, createdAt, booking, data, problem }: Subject,
  calendar: string | undefined,
  heard: HeardBookings,
  source: NewNotification['source'],
): NewNotification {
  const known = calendar === undefined || booking === undefined ? undefined : heard.find(calendar, booking);
  return {
    account,
    calendar: calendar ?? null,
    name,
    hash,
    createdAt,
    source,
    booking,
    ref: known?.ref ?? undefined,
    data,
    problem,
  };
}
