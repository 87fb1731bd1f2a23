/** Queries of `slotkeeper.in_doubt_moves`: moves of bookings that were sent to the marketplace and whose outcome is not known yet. */
import type { Db } from '../schema.js';

export interface InDoubtMove {
  /** The visit booking id before the move. */
  readonly booking: string;
  readonly start: Date;
  /** The duration after the move; null where the marketplace decides it. */
  readonly minutes: number | null;
  /** The address that the booking moves to, usually its own. */
  readonly addressId: string;
}

/**
 * Records a move before it is sent. A booking has at most one: another move is sent only when the outcome of this one is
 * known.
 */
export async function recordInDoubtMove(db: Db, calendar: string, move: InDoubtMove): Promise<void> {
  const { booking, start, minutes, addressId } = move;
  const target = { start_at: start, minutes, address_id: addressId };
  await db
    .insertInto('slotkeeper.in_doubt_moves')
    .values({ calendar_id: calendar, booking_id: booking, ...target })
    .onConflict((conflict) => conflict.columns(['calendar_id', 'booking_id']).doUpdateSet(target))
    .execute();
}

/** Deletes a move whose outcome is known. */
export async function deleteInDoubtMove(db: Db, calendar: string, booking: string): Promise<void> {
  await db
    .deleteFrom('slotkeeper.in_doubt_moves')
    .where('calendar_id', '=', calendar)
    .where('booking_id', '=', booking)
    .execute();
}

/** Finds the bookings of these that have an in-doubt move. */
export async function findBookingsInDoubt(
  db: Db,
  account: string,
  bookings: readonly string[],
): Promise<ReadonlySet<string>> {
  if (bookings.length === 0) return new Set();
  const rows = await db
    .selectFrom('slotkeeper.in_doubt_moves as m')
    .innerJoin('slotkeeper.calendars as c', 'c.id', 'm.calendar_id')
    .select('m.booking_id')
    .where('c.account_id', '=', account)
    .where('m.booking_id', 'in', [...bookings])
    .execute();
  return new Set(rows.map(({ booking_id: id }) => id));
}

/** Lists the in-doubt moves of a calendar, earliest first. */
export async function listInDoubtMoves(db: Db, calendar: string): Promise<InDoubtMove[]> {
  const rows = await db
    .selectFrom('slotkeeper.in_doubt_moves')
    .select(['booking_id', 'start_at', 'minutes', 'address_id'])
    .where('calendar_id', '=', calendar)
    .orderBy('start_at')
    .orderBy('booking_id')
    .execute();
  return rows.map((row) => ({
    booking: row.booking_id,
    start: row.start_at,
    minutes: row.minutes,
    addressId: row.address_id,
  }));
}
