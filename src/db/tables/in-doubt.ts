/**
 * Queries of `slotkeeper.in_doubt`: requests to the marketplace that must not be repeated blindly. Each is recorded before it is
 * sent and deleted when its outcome is known, so that a row that is left tells what the marketplace may have executed.
 */
import { sql } from 'kysely';
import type { Span } from '../../core/span.js';
import type { Db } from '../schema.js';

interface InDoubt {
  /** Identifies the request among those of its kind and calendar. */
  readonly subject: string;
  readonly start: Date;
}

/** The creation of a break or the booking of a placeholder. */
export interface InDoubtBlock extends InDoubt {
  readonly kind: 'break' | 'placeholder';
  readonly end: Date;
}

/** The move of a booking. */
export interface InDoubtMove extends InDoubt {
  readonly kind: 'move';
  /** The visit booking id before the move. A booking has at most one move in doubt. */
  readonly subject: string;
  /** Null where the marketplace decides the duration. */
  readonly end: Date | null;
  /** The address that the booking moves to, usually its own. */
  readonly addressId: string;
}

export type InDoubtRequest = InDoubtBlock | InDoubtMove;

/** @param ref the appointment of a placeholder; absent for a break */
export function toInDoubtBlock({ start, end }: Span, ref?: string): InDoubtBlock {
  const times = { start: new Date(start), end: new Date(end) };
  const from = times.start.toISOString();
  return ref === undefined
    ? { kind: 'break', subject: `${from}/${times.end.toISOString()}`, ...times }
    : { kind: 'placeholder', subject: `${from} ${ref}`, ...times };
}

/** Records a request before it is sent. */
export async function recordInDoubt(
  db: Db,
  calendar: string,
  request: InDoubtRequest,
  now: Date,
): Promise<void> {
  const { kind, subject, start, end } = request;
  const address = request.kind === 'move' ? request.addressId : null;
  const wanted = { start_at: start, end_at: end, address_id: address, requested_at: now };
  await db
    .insertInto('slotkeeper.in_doubt')
    .values({ calendar_id: calendar, kind, subject, ...wanted })
    .onConflict((conflict) => conflict.columns(['calendar_id', 'kind', 'subject']).doUpdateSet(wanted))
    .execute();
}

/** Deletes a request whose outcome is known. */
export async function deleteInDoubt(
  db: Db,
  calendar: string,
  { kind, subject }: Pick<InDoubtRequest, 'kind' | 'subject'>,
): Promise<void> {
  await db
    .deleteFrom('slotkeeper.in_doubt')
    .where('calendar_id', '=', calendar)
    .where('kind', '=', kind)
    .where('subject', '=', subject)
    .execute();
}

/** What a list of the marketplace resolves: it shows the blocks that were requested before it, or that they do not exist. */
export interface ResolvedBlocks {
  readonly kind: InDoubtBlock['kind'];
  readonly from: Date;
  readonly to: Date;
  /** Later requests may not have been executed when the list was made. */
  readonly requestedBefore: Date;
}

/** Deletes the blocks in doubt that begin in the range, or are breaks that overlap it. */
export async function deleteResolvedBlocks(
  db: Db,
  calendar: string,
  { kind, from, to, requestedBefore }: ResolvedBlocks,
): Promise<void> {
  await db
    .deleteFrom('slotkeeper.in_doubt')
    .where('calendar_id', '=', calendar)
    .where('kind', '=', kind)
    .where((eb) => (kind === 'break' ? eb('end_at', '>', from) : eb('start_at', '>=', from)))
    .where('start_at', '<', to)
    .where('requested_at', '<', requestedBefore)
    .execute();
}

/** Whether the creation of a break with these times is in doubt. */
export async function isBreakInDoubt(db: Db, calendar: string, span: Span): Promise<boolean> {
  const row = await db
    .selectFrom('slotkeeper.in_doubt')
    .select('subject')
    .where('calendar_id', '=', calendar)
    .where('kind', '=', 'break')
    .where('subject', '=', toInDoubtBlock(span).subject)
    .executeTakeFirst();
  return row !== undefined;
}

/** Finds the bookings of these that have a move in doubt. */
export async function findBookingsInDoubt(
  db: Db,
  account: string,
  bookings: readonly string[],
): Promise<ReadonlySet<string>> {
  if (bookings.length === 0) return new Set();
  const rows = await db
    .selectFrom('slotkeeper.in_doubt as m')
    .innerJoin('slotkeeper.calendars as c', 'c.id', 'm.calendar_id')
    .select('m.subject')
    .where('c.account_id', '=', account)
    .where('m.kind', '=', 'move')
    .where('m.subject', 'in', [...bookings])
    .execute();
  return new Set(rows.map(({ subject }) => subject));
}

/** Lists the moves in doubt of a calendar, earliest first. */
export async function listInDoubtMoves(db: Db, calendar: string): Promise<InDoubtMove[]> {
  const rows = await db
    .selectFrom('slotkeeper.in_doubt')
    .select(['subject', 'start_at', 'end_at', 'address_id'])
    .where('calendar_id', '=', calendar)
    .where('kind', '=', 'move')
    .orderBy('start_at')
    .orderBy('subject')
    .execute();
  return rows.map((row) => ({
    kind: 'move',
    subject: row.subject,
    start: row.start_at,
    end: row.end_at,
    addressId: row.address_id ?? '',
  }));
}

/** Deletes requests for times before the instant. */
export async function deleteExpiredInDoubt(db: Db, before: Date): Promise<void> {
  await sql`DELETE FROM slotkeeper.in_doubt WHERE coalesce(end_at, start_at) < ${before}`.execute(db);
}
