/**
 * Moves a marketplace booking. The request may be repeated after a lost answer and is not executed twice: each move is
 * recorded before it is sent, and an earlier move in doubt is resolved first. The database is updated at once, before any
 * notification arrives. Contract: moveBooking.
 */
import { isPermanentRefusal } from '../context/classify-error.js';
import type { CalendarContext } from '../context/context.js';
import { MINUTE } from '../core/duration.js';
import { datesOf, HIGHEST_PRIORITY, priority, toIso } from '../core/index.js';
import { findBookings, findBookingsOfAccount, type StoredBooking } from '../db/tables/bookings.js';
import { getCalendar } from '../db/tables/calendars.js';
import { deleteInDoubt, type InDoubtMove, listInDoubtMoves, recordInDoubt } from '../db/tables/in-doubt.js';
import { ConflictError } from '../docplanner/index.js';
import { type BookingUpdate, findNewestId, includeSuccessors } from '../marketplace-state/apply-bookings.js';
import { toBookingUpdate } from '../marketplace-state/booking-update.js';
import { BookingEndedError } from './booking-ended-error.js';
import { findKnownBooking, toUpdate } from './cancel-booking.js';
import { applyFetchedBooking, applyMove, fetchBooking, placeAt, searchBooking } from './fetch-booking.js';
import { resolveInDoubtMove } from './in-doubt-moves.js';

export interface MoveTo {
  /** Epoch milliseconds. */
  readonly start: number;
  /** An address service id; the booking's own by default. */
  readonly service?: string | undefined;
  /** Minutes; the booking's own by default. */
  readonly duration?: number | undefined;
  /** Another address of the facility, of this doctor or another. */
  readonly addressId?: string | undefined;
  /** The start of the linked appointment. Epoch milliseconds. */
  readonly refStart?: number | undefined;
}

/**
 * @returns the successor of the booking: it has another id
 * @throws {DocplannerError} where the marketplace refuses it
 * @throws {BookingEndedError} where somebody else has moved it meanwhile
 */
export async function moveBooking(context: CalendarContext, id: string, to: MoveTo): Promise<BookingUpdate> {
  const { calendar, account, now, db } = context;
  const known = await findKnownBooking(context, id);
  const move = moveOf(context, known, to);
  const successors = await successorsOf(context, id);
  const before = await repeated(context, move, successors);
  if (before !== undefined) return before;
  const earlier = (await listInDoubtMoves(db, calendar.id)).find(({ subject }) => subject === id);
  if (earlier === undefined && successors.newest !== id)
    throw new BookingEndedError(id, 'moved', successors.newest);
  const settled = earlier && (await resolveInDoubtMove(context, earlier));
  if (earlier !== undefined && settled !== undefined) {
    const isAsSent = settled.start === earlier.start.getTime();
    if (isAsSent && isSameMove(move, earlier)) return settled;
    if (isAsSent && earlier.addressId === calendar.addressId)
      return await moveBooking(context, settled.id, to);
    throw new BookingEndedError(id, 'moved', settled.id);
  }
  const minutes = to.duration ?? (known.end - known.start) / MINUTE;
  const target = { start: to.start, end: to.start + minutes * MINUTE };
  const client = context.client(
    priority({ closed: [target], opened: [{ start: known.start, end: known.end }], now: now() }),
    () => recordInDoubt(db, calendar.id, move, new Date(now())),
    { days: datesOf(target, account.timeZone).map((date) => ({ date })), booking: id },
  );
  try {
    const moved = await client.moveBooking(calendar, id, {
      address_service_id: to.service ?? (await serviceOf(context, known)),
      start: toIso(to.start, account.timeZone),
      ...(to.duration === undefined ? {} : { duration: to.duration }),
      ...(move.addressId === calendar.addressId ? {} : { address_id: move.addressId }),
    });
    const followed = to.refStart === undefined ? {} : ({ isOwnChange: true } as const);
    const ended: BookingUpdate = { ...known, status: 'moved', movedTo: moved.id, ...followed };
    const successor: BookingUpdate = { ...toBookingUpdate(moved), movedFrom: id, refStart: to.refStart };
    await applyMove(context, (await placeAt(context, move.addressId)).storedCalendar, ended, successor);
    await deleteInDoubt(db, calendar.id, move);
    return successor;
  } catch (error) {
    if (!isPermanentRefusal(error)) throw error;
    if (error instanceof ConflictError) {
      // The booking was moved or deleted already. A successor that the marketplace does not name is searched only where this
      // move was sent before, and was applied after its resolution had begun.
      const wasSent = earlier !== undefined && isSameMove(move, earlier);
      const moved = wasSent ? await resolveInDoubtMove(context, move) : await fetchAgain(context, move);
      if (moved?.start === to.start) return moved;
    }
    await deleteInDoubt(db, calendar.id, move);
    throw error;
  }
}

/** The length is known where it is requested, and where it is the booking's own and the service stays. */
function moveOf({ calendar }: CalendarContext, known: BookingUpdate, to: MoveTo): InDoubtMove {
  const keepsService = to.service === undefined || to.service === known.service;
  const length = to.duration === undefined ? known.end - known.start : to.duration * MINUTE;
  const isKnown = to.duration !== undefined || keepsService;
  return {
    kind: 'move',
    subject: known.id,
    start: new Date(to.start),
    end: isKnown ? new Date(to.start + length) : null,
    addressId: to.addressId ?? calendar.addressId,
  };
}

const isSameMove = (one: InDoubtMove, other: InDoubtMove): boolean =>
  one.start.getTime() === other.start.getTime() && one.addressId === other.addressId;

/** The database may lag behind. @returns the successor, where it is at the requested address */
async function fetchAgain(
  context: CalendarContext,
  { subject, addressId }: InDoubtMove,
): Promise<BookingUpdate | undefined> {
  const fetched = await fetchBooking(context, subject, addressId);
  const successor = fetched && (await applyFetchedBooking(context, fetched));
  return fetched?.successor?.place.addressId === addressId ? successor : undefined;
}

/** Where neither the database nor the marketplace has the service, the marketplace decides on an empty one. */
async function serviceOf(
  { client, calendar }: CalendarContext,
  { id, service }: BookingUpdate,
): Promise<string> {
  return service ?? toBookingUpdate(await client(HIGHEST_PRIORITY).getBooking(calendar, id)).service ?? '';
}

interface Successors {
  /** The id of the last successor; the booking's own where it has not moved. */
  readonly newest: string;
  readonly all: readonly StoredBooking[];
}

/** The successors of the booking in the database. */
async function successorsOf({ db, calendar }: CalendarContext, booking: string): Promise<Successors> {
  const find = (ids: readonly string[]) => findBookingsOfAccount(db, calendar.account, ids);
  const all = await includeSuccessors([...(await findBookings(db, calendar.id, [booking])).values()], find);
  return { newest: findNewestId(booking, all), all };
}

/** Where this very move was made before, the successor, from the database or the marketplace. */
async function repeated(
  context: CalendarContext,
  { subject, start, addressId }: InDoubtMove,
  { newest, all }: Successors,
): Promise<BookingUpdate | undefined> {
  const { db } = context;
  if (newest === subject) return undefined;
  const known = all.find(({ id, status }) => id === newest && status === 'booked');
  const home = known && (await getCalendar(db, known.calendar));
  const found = home === undefined ? await searchBooking(context, newest, addressId) : undefined;
  const now = known === undefined ? found && toBookingUpdate(found.booking) : toUpdate(known);
  const isThere = (home ?? found?.place)?.addressId === addressId;
  return isThere && now?.status === 'booked' && now.start === start.getTime() ? now : undefined;
}
