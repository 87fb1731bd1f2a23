/** Moves of bookings that were sent to the marketplace, from just before until it is understood what came of them. */
import type { Db } from '../schema.js';

export interface InDoubtMove {
  /** The visit booking id that it had before. */
  readonly booking: string;
  readonly start: Date;
  /** How long the visit is there; null where the marketplace decides it. */
  readonly minutes: number | null;
  /** The address that it moves to, mostly its own. */
  readonly addressId: string;
}

/** Written down before it is sent. A booking has one at most: another is sent only when it is known what became of it. */
export async function recordInDoubtMove(db: Db, calendar: string, move: InDoubtMove): Promise<void> {
  const { booking, start, minutes, addressId } = move;
  const sent = { start_at: start, minutes, address_id: addressId };
  await db
    .insertInto('slotkeeper.in_doubt_moves')
    .values({ calendar_id: calendar, booking_id: booking, ...sent })
    .onConflict((conflict) => conflict.columns(['calendar_id', 'booking_id']).doUpdateSet(sent))
    .execute();
}

/** It was answered, or it was found out what became of it. */
export async function deleteInDoubtMove(db: Db, calendar: string, booking: string): Promise<void> {
  await db
    .deleteFrom('slotkeeper.in_doubt_moves')
    .where('calendar_id', '=', calendar)
    .where('booking_id', '=', booking)
    .execute();
}

/** Those of the bookings of which a move was sent, and it is not known what became of it. */
export async function findInDoubtMoves(
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

/** Those of a calendar of which it is not known what became of them. */
export async function countInDoubtMoves(db: Db, calendar: string): Promise<InDoubtMove[]> {
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
