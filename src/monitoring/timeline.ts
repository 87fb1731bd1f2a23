/** The history of one minute of a calendar: of its day, its appointments and its bookings. */
import type { Db } from '../db/schema.js';
import { findBookingIdsAt } from '../db/tables/bookings.js';
import type { HistoryFilter } from '../db/tables/history.js';
import { type HistoryItem, readHistory } from './history.js';

export interface Minute {
  readonly calendar: string;
  /** Its local date. */
  readonly date: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The appointments that take it at present; an older event may have another date. */
  readonly refs: readonly string[];
}

/** Of the entries of a day, or of an appointment, at most so many of the newest are read. */
const MAX_READ = 500;
const MAX_ITEMS = 50;

/** The newest entries that concern the minute, oldest first. */
export async function readTimeline(db: Db, { calendar, date, at, refs }: Minute): Promise<HistoryItem[]> {
  const bookings = new Set(await findBookingIdsAt(db, calendar, new Date(at)));
  const filters: HistoryFilter[] = [{ calendar, date }, ...refs.map((ref) => ({ calendar, ref }))];
  const items = new Map<string, HistoryItem>();
  for (const filter of filters) {
    const page = await readHistory(db, { ...filter, newest: true, limit: MAX_READ });
    for (const item of page.items) items.set(item.cursor, item);
  }
  const appointments = new Set(refs);
  for (const { ref, detail } of items.values()) if (ref !== null && covers(detail, at)) appointments.add(ref);
  return [...items.values()]
    .filter((item) => concerns(item, at, appointments, bookings))
    .sort((a, b) => Number(a.cursor) - Number(b.cursor))
    .slice(-MAX_ITEMS);
}

function covers({ start, end }: HistoryItem['detail'], at: number): boolean {
  return (
    typeof start === 'string' && typeof end === 'string' && Date.parse(start) <= at && at < Date.parse(end)
  );
}

/** What names neither an appointment nor a booking concerns the whole day. */
function concerns(
  { ref, booking, detail }: HistoryItem,
  at: number,
  appointments: ReadonlySet<string>,
  bookings: ReadonlySet<string>,
): boolean {
  if (ref === null && booking === null) return true;
  return (
    (ref !== null && appointments.has(ref)) ||
    (booking !== null && bookings.has(booking)) ||
    covers(detail, at)
  );
}
