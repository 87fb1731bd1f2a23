/** Finds time that the marketplace sells and must not sell: busy time, and time outside of all windows. */
import { addDays, startOfDate } from '../core/index.js';
import { type Spans, subtract, unite } from '../core/intervals.js';
import { type Span, spanOf } from '../core/span.js';
import type { Db } from '../db/schema.js';
import type { Account } from '../db/tables/accounts.js';
import { findPlaceholdersBetween } from '../db/tables/bookings.js';
import { findBreaksBetween } from '../db/tables/breaks.js';
import { findBusyTime } from '../db/tables/busy-time.js';
import type { Calendar } from '../db/tables/calendars.js';
import { listDays, type StoredDay } from '../db/tables/days.js';
import { listWindows } from '../db/tables/windows.js';
import { addBuffers, toBusySpan } from '../marketplace-state/dirty-days.js';

export interface OnSale {
  readonly day: StoredDay;
  /** Half-open, epoch milliseconds, in order. */
  readonly spans: readonly Span[];
}

/**
 * The days between two local dates, both included, whose desired slots are not published and which sell what they must not,
 * according to the database: the slots that were published last, without available time, and without time that the
 * marketplace's own bookings and breaks or our breaks and placeholders block. For a day that was never published, its
 * windows are taken as what it may show.
 * @param now epoch milliseconds: past time is not sold
 * @param shown further time that patients were offered, as it was read; only for a single date
 */
export async function findWronglyOnSale(
  db: Db,
  calendar: Calendar,
  account: Account,
  from: string,
  to: string,
  now: number,
  shown: readonly Span[] = [],
): Promise<OnSale[]> {
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (tx) => {
      const all = await listDays(tx, calendar.id, from, to);
      const behind = all.filter((day) => day.generation > day.publishedGeneration);
      const [first, last] = [behind[0]?.date, behind.at(-1)?.date];
      if (first === undefined || last === undefined) return [];
      const { timeZone } = account;
      const buffers = { bufferBefore: calendar.bufferBefore ?? 0, bufferAfter: calendar.bufferAfter ?? 0 };
      const begin = new Date(startOfDate(addDays(first, -1), timeZone));
      const end = new Date(startOfDate(addDays(last, 2), timeZone));
      const windows = await listWindows(tx, calendar.id, first, last);
      const busyTime = await findBusyTime(tx, calendar.id, begin, end);
      const breaks = await findBreaksBetween(tx, calendar.id, begin, end);
      const placeholders = await findPlaceholdersBetween(tx, calendar.id, begin, end);
      const available = minus(
        unionOf(windows.map(spanOf)),
        unionOf(busyTime.map((one) => addBuffers(toBusySpan(one), buffers))),
      );
      const hidden = [
        { start: Number.NEGATIVE_INFINITY, end: now },
        ...busyTime.filter(({ source }) => source !== 'occupancy').map(toBusySpan),
        ...breaks
          .filter(({ own }) => own === true)
          .map(({ since, till }) => ({ start: since.getTime(), end: till.getTime() })),
        ...[...placeholders.values()].map(spanOf),
      ];
      const mayShow = unionOf([...available, ...hidden]);
      return behind.flatMap((day): OnSale[] => {
        const offered =
          day.published?.map((slot) => ({ start: Date.parse(slot.start), end: Date.parse(slot.end) })) ??
          windows.filter(({ date }) => date === day.date).map(spanOf);
        const spans = minus(unionOf([...offered, ...shown]), mayShow);
        return spans.length > 0 ? [{ day, spans }] : [];
      });
    });
}

const unionOf = (some: readonly Span[]): Spans =>
  unite({ starts: some.map(({ start }) => start), ends: some.map(({ end }) => end) });

function minus(all: Spans, less: Spans): Span[] {
  const left: Span[] = [];
  subtract(all, less, (start, end) => left.push({ start, end }));
  return left;
}
