/**
 * What is said about the marketplace's bookings, taken into the record: by a notification, by a reading, or by the
 * answer to a request of ours. It may be said twice, late and in any order, because a booking that is over stays
 * over, and one that moves has a new id. Contract: Notifications, moveBooking.
 */

import { type Span, spanOf } from '../core/span.js';
import type { Db } from '../db/schema.js';
import {
  type BookingStatus,
  findBookings,
  findBookingsMovedTo,
  type StoredBooking,
  saveBookings,
} from '../db/tables/bookings.js';
import type { DirtyDay } from '../db/tables/days.js';
import type { LockedCalendar } from '../db/tables/events.js';
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
  /** One of ours, in place of an appointment; the PMS's `ref` where that is known. */
  readonly placeholder?: { readonly ref: string | null } | undefined;
  /** The booking that this one is now, at another time: what is linked to that is linked to this. */
  readonly before?: string | undefined;
  /** Of one that moved: the booking that it became, also where that is at another address. */
  readonly movedTo?: string | undefined;
  /** Where the appointment that it is linked to was when both agreed. Epoch milliseconds. */
  readonly refStart?: number | undefined;
  /** We have just done it ourselves, for the appointment's sake: nothing is left of that to be hidden. */
  readonly byUs?: true | undefined;
}

export interface BookingChange {
  readonly before: StoredBooking | undefined;
  readonly after: StoredBooking;
}

export interface AppliedBookings {
  /** Only what is really news. */
  readonly changes: readonly BookingChange[];
  readonly days: readonly DirtyDay[];
}

/**
 * Takes it in; the caller marks the days.
 * @param tx a transaction in which the calendar is locked
 * @param now epoch milliseconds
 */
export async function applyBookings(
  tx: Db,
  calendar: LockedCalendar,
  said: readonly BookingUpdate[],
  now: number,
): Promise<AppliedBookings> {
  const ids = said.flatMap(({ id, before }) => (before === undefined ? [id] : [id, before]));
  const find = async (some: readonly string[]) => [...(await findBookings(tx, calendar.id, some)).values()];
  const before = await findBookingsMovedTo(tx, calendar.id, [...new Set(ids)]);
  const known = await withSuccessors([...before, ...(await find([...new Set(ids)]))], find);
  const taken = mergeBookings(calendar, new Map(known.map((one) => [one.id, one])), said, now);
  await saveBookings(
    tx,
    taken.changes.map(({ after }) => after),
    new Date(now),
  );
  return taken;
}

/** What they became, too: a link goes along, whichever of two moves is heard of first. */
export async function withSuccessors(
  known: readonly StoredBooking[],
  find: (ids: readonly string[]) => Promise<readonly StoredBooking[]>,
): Promise<readonly StoredBooking[]> {
  const all = [...known];
  const asked = new Set(known.map(({ id }) => id));
  for (let found = known; ; ) {
    const next = [...new Set(found.flatMap(({ movedTo }) => movedTo ?? []))].filter((id) => !asked.has(id));
    if (next.length === 0) return all;
    for (const id of next) asked.add(id);
    found = await find(next);
    all.push(...found);
  }
}

/** The id of what a booking has become, as far as these tell; its own where it has not moved. Pure. */
export function newestOf(id: string, known: readonly StoredBooking[]): string {
  const next = new Map(known.flatMap((one) => (one.movedTo === null ? [] : [[one.id, one.movedTo]])));
  const seen = new Set<string>();
  let newest = id;
  for (let to = next.get(id); to !== undefined && !seen.has(to); to = next.get(to)) {
    seen.add(to);
    newest = to;
  }
  return newest;
}

/** Pure. @param known those that are spoken of, what they became, and what became them */
export function mergeBookings(
  calendar: LockedCalendar,
  known: ReadonlyMap<string, StoredBooking>,
  said: readonly BookingUpdate[],
  now: number,
): AppliedBookings {
  const current = new Map(known);
  for (const one of said) {
    const moved = one.before === undefined ? undefined : current.get(one.before);
    current.set(one.id, next(calendar, current.get(one.id), one, moved));
    if (moved !== undefined) current.set(moved.id, { ...moved, status: 'moved', movedTo: one.id });
  }
  // What one became may have been said before it, or after it.
  for (const id of current.keys()) passOn(current, id);
  const ours = new Set(said.flatMap(({ id, byUs }) => (byUs ? [id] : [])));
  const days = new DirtyDays(now);
  const changes: BookingChange[] = [];
  for (const [id, after] of current) {
    const before = known.get(id);
    if (before !== undefined && isSame(before, after)) continue;
    changes.push({ before, after });
    days.moved(calendar, before && takes(before), takes(after), true);
    // What somebody else has taken away of ours is on sale, and so is an appointment that only its booking hid.
    if (before !== undefined && hides(before) && !hides(after) && !ours.has(id)) {
      days.moved(calendar, undefined, spanOf(before));
    }
  }
  return { changes, days: days.list() };
}

/** What a booking is linked to, what it became is linked to, too. */
function passOn(current: Map<string, StoredBooking>, id: string): void {
  const seen = new Set<string>();
  for (let one = current.get(id); one?.movedTo != null && !seen.has(one.id); ) {
    seen.add(one.id);
    const { ref, refStart, placeholder } = one;
    const next = current.get(one.movedTo);
    if (ref === null || next === undefined || next.ref !== null) return;
    one = { ...next, ref, refStart, placeholder: next.placeholder || placeholder };
    current.set(one.id, one);
  }
}

function next(
  calendar: LockedCalendar,
  known: StoredBooking | undefined,
  said: BookingUpdate,
  moved: StoredBooking | undefined,
): StoredBooking {
  const isOver = known !== undefined && known.status !== 'booked';
  const inherits = known?.ref == null ? moved : undefined;
  const movedTo = known?.movedTo ?? said.movedTo ?? null;
  return {
    calendar: calendar.id,
    id: said.id,
    // What is said to be canceled may have moved: whichever of the two is heard of first, it is another one now.
    status: movedTo !== null ? 'moved' : isOver ? known.status : said.status,
    start: new Date(said.start),
    end: new Date(said.end),
    service: said.service ?? known?.service ?? moved?.service ?? null,
    bookedBy: said.bookedBy ?? known?.bookedBy ?? null,
    placeholder: said.placeholder !== undefined || known?.placeholder === true || moved?.placeholder === true,
    ref: said.placeholder?.ref ?? inherits?.ref ?? known?.ref ?? null,
    refStart:
      said.refStart === undefined
        ? inherits
          ? inherits.refStart
          : (known?.refStart ?? null)
        : new Date(said.refStart),
    movedTo,
    failed: known?.failed ?? null,
  };
}

/** The time that it keeps from others; a placeholder's is the PMS's occupancy and counts there. */
function takes(booking: StoredBooking): Span | undefined {
  return booking.status === 'booked' && !booking.placeholder ? spanOf(booking) : undefined;
}

/** Whether it may hide an appointment of the PMS. */
const hides = ({ status, placeholder, ref }: StoredBooking): boolean =>
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
