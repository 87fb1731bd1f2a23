/**
 * Merges updates of marketplace bookings into the database. An update comes from a notification, from a list, or from the answer
 * to a request of this engine. Updates may repeat, be late and arrive in any order: a booking that has ended stays ended, and a
 * booking that moves gets a new id. Contract: Notifications, moveBooking.
 */

import { type Span, spanOf } from '../core/span.js';
import type { Db } from '../db/schema.js';
import {
  type BookingStatus,
  findBookings,
  findBookingsMovedTo,
  type StoredBooking,
  upsertBookings,
} from '../db/tables/bookings.js';
import type { DirtyDay } from '../db/tables/days.js';
import type { LockedCalendar } from '../db/tables/locked-calendars.js';
import { DirtyDays } from './dirty-days.js';

export interface BookingUpdate {
  /** The visit booking id. */
  readonly id: string;
  readonly status: BookingStatus;
  /** Epoch milliseconds. */
  readonly start: number;
  readonly end: number;
  readonly service?: string | undefined;
  readonly bookedBy?: string | undefined;
  /** Present for a booking that this engine made in place of an appointment; `ref` is the PMS's id where it is known. */
  readonly placeholder?: { readonly ref: string | null } | undefined;
  /** The id of the booking that became this one by a move. Its links apply to this booking. */
  readonly movedFrom?: string | undefined;
  /** For a booking that moved: the id of its successor, also where the successor is at another address. */
  readonly movedTo?: string | undefined;
  /** The start of the linked appointment when booking and appointment last agreed. Epoch milliseconds. */
  readonly refStart?: number | undefined;
  /** This engine made the change for the appointment's sake, so the booking's old time needs no other block. */
  readonly isOwnChange?: true | undefined;
}

export interface BookingChange {
  readonly before: StoredBooking | undefined;
  readonly after: StoredBooking;
}

export interface AppliedBookings {
  /** Only the bookings that differ from what is stored. */
  readonly changes: readonly BookingChange[];
  readonly days: readonly DirtyDay[];
}

/**
 * Saves the updates. The caller marks the days dirty.
 * @param tx a transaction in which the calendar is locked
 * @param now epoch milliseconds
 */
export async function applyBookings(
  tx: Db,
  calendar: LockedCalendar,
  updates: readonly BookingUpdate[],
  now: number,
): Promise<AppliedBookings> {
  const ids = [
    ...new Set(updates.flatMap(({ id, movedFrom }) => (movedFrom === undefined ? [id] : [id, movedFrom]))),
  ];
  const find = async (some: readonly string[]) => [...(await findBookings(tx, calendar.id, some)).values()];
  const predecessors = await findBookingsMovedTo(tx, calendar.id, ids);
  const known = await includeSuccessors([...predecessors, ...(await find(ids))], find);
  const applied = mergeBookings(calendar, new Map(known.map((one) => [one.id, one])), updates, now);
  await upsertBookings(
    applied.changes.map(({ after }) => after),
    new Date(now),
  )?.execute(tx);
  return applied;
}

/** Adds the bookings that these became by moves, so that a link is passed on whichever of two moves is observed first. */
export async function includeSuccessors(
  known: readonly StoredBooking[],
  find: (ids: readonly string[]) => Promise<readonly StoredBooking[]>,
): Promise<readonly StoredBooking[]> {
  const all = [...known];
  const requested = new Set(known.map(({ id }) => id));
  for (let found = known; ; ) {
    const next = [...new Set(found.flatMap(({ movedTo }) => movedTo ?? []))].filter(
      (id) => !requested.has(id),
    );
    if (next.length === 0) return all;
    for (const id of next) requested.add(id);
    found = await find(next);
    all.push(...found);
  }
}

/** The id of the last successor of a booking among the given ones; its own id where it has not moved. Pure. */
export function findNewestId(id: string, known: readonly StoredBooking[]): string {
  const next = new Map(known.flatMap((one) => (one.movedTo === null ? [] : [[one.id, one.movedTo]])));
  const visited = new Set<string>();
  let newest = id;
  for (let to = next.get(id); to !== undefined && !visited.has(to); to = next.get(to)) {
    visited.add(to);
    newest = to;
  }
  return newest;
}

/** Pure. @param known the stored bookings that the updates name, their successors and their predecessors */
export function mergeBookings(
  calendar: LockedCalendar,
  known: ReadonlyMap<string, StoredBooking>,
  updates: readonly BookingUpdate[],
  now: number,
): AppliedBookings {
  const current = new Map(known);
  for (const update of updates) {
    const predecessor = update.movedFrom === undefined ? undefined : current.get(update.movedFrom);
    current.set(update.id, mergeBooking(calendar, current.get(update.id), update, predecessor));
    if (predecessor !== undefined) {
      current.set(predecessor.id, { ...predecessor, status: 'moved', movedTo: update.id });
    }
  }
  // A successor may have been observed before its predecessor or after it, so links are passed on at the end.
  for (const id of current.keys()) passOnLinks(current, id);
  const ownChanges = new Set(updates.flatMap(({ id, isOwnChange }) => (isOwnChange ? [id] : [])));
  const days = new DirtyDays(now);
  const changes: BookingChange[] = [];
  for (const [id, after] of current) {
    const before = known.get(id);
    if (before !== undefined && isSame(before, after)) continue;
    changes.push({ before, after });
    days.addMove(calendar, before && busySpanOf(before), busySpanOf(after), true);
    // The time of a placeholder that somebody else ended is on sale, and so is an appointment that only its booking blocked.
    if (before !== undefined && isBlocking(before) && !isBlocking(after) && !ownChanges.has(id)) {
      days.addMove(calendar, undefined, spanOf(before));
    }
  }
  return { changes, days: days.list() };
}

/** Copies the link of a booking to all its successors that have none. */
function passOnLinks(current: Map<string, StoredBooking>, id: string): void {
  const visited = new Set<string>();
  for (let one = current.get(id); one?.movedTo != null && !visited.has(one.id); ) {
    visited.add(one.id);
    const { ref, refStart, placeholder } = one;
    const successor = current.get(one.movedTo);
    if (ref === null || successor === undefined || successor.ref !== null) return;
    one = { ...successor, ref, refStart, placeholder: successor.placeholder || placeholder };
    current.set(one.id, one);
  }
}

function mergeBooking(
  calendar: LockedCalendar,
  known: StoredBooking | undefined,
  update: BookingUpdate,
  predecessor: StoredBooking | undefined,
): StoredBooking {
  const hasEnded = known !== undefined && known.status !== 'booked';
  const linkSource = known?.ref == null ? predecessor : undefined;
  const movedTo = known?.movedTo ?? update.movedTo ?? null;
  return {
    calendar: calendar.id,
    id: update.id,
    // A booking that is reported as canceled may have moved: a known successor wins, whichever report arrives first.
    status: movedTo !== null ? 'moved' : hasEnded ? known.status : update.status,
    start: new Date(update.start),
    end: new Date(update.end),
    service: update.service ?? known?.service ?? predecessor?.service ?? null,
    bookedBy: update.bookedBy ?? known?.bookedBy ?? null,
    placeholder:
      update.placeholder !== undefined || known?.placeholder === true || predecessor?.placeholder === true,
    ref: update.placeholder?.ref ?? linkSource?.ref ?? known?.ref ?? null,
    refStart:
      update.refStart === undefined
        ? linkSource
          ? linkSource.refStart
          : (known?.refStart ?? null)
        : new Date(update.refStart),
    movedTo,
    failed: known?.failed ?? null,
  };
}

/** The time that the booking occupies. A placeholder occupies none: its time counts as the PMS's occupancy. */
function busySpanOf(booking: StoredBooking): Span | undefined {
  return booking.status === 'booked' && !booking.placeholder ? spanOf(booking) : undefined;
}

/** Whether the booking may block the time of an appointment of the PMS. */
const isBlocking = ({ status, placeholder, ref }: StoredBooking): boolean =>
  status === 'booked' && (placeholder || ref !== null);

function isSame(a: StoredBooking, b: StoredBooking): boolean {
  return (
    a.status === b.status &&
    a.start.getTime() === b.start.getTime() &&
    a.end.getTime() === b.end.getTime() &&
    a.service === b.service &&
    a.bookedBy === b.bookedBy &&
    a.placeholder === b.placeholder &&
    a.ref === b.ref &&
    a.movedTo === b.movedTo &&
    a.refStart?.getTime() === b.refStart?.getTime()
  );
}
