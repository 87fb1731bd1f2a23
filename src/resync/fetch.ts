/** What the marketplace shows of a calendar, read at once, beside what is known of its days before and after. */

import type { Run } from '../context/context.js';
import { findBookings, placeholdersBetween } from '../db/tables/bookings.js';
import { findBreaks } from '../db/tables/breaks.js';
import type { DayChange } from '../db/tables/days.js';
import type { Booking, DocplannerClient } from '../docplanner/index.js';
import { tellLater } from '../linked-bookings/notify-later.js';
import { foldBookings, type SaidBooking } from '../marketplace-state/apply-bookings.js';
import { foldBreaks, type SaidBreak } from '../marketplace-state/apply-breaks.js';
import { askForBookings, askForBreaks, type FoundBreak, takeIn } from '../marketplace-state/fetch-state.js';
import { assemble, withRefs } from '../publishing/blocking/fetch-marketplace-state.js';
import type { Present } from '../publishing/blocking/marketplace-state.js';
import { needsOf } from '../publishing/blocking/required-blocks.js';
import { type Settled, settledDays } from '../publishing/desired-days.js';
import { horizonOf } from '../publishing/horizon.js';
import { rangeOf } from '../publishing/verify-publication.js';

export interface Reading {
  /** When it began; epoch milliseconds. */
  readonly at: number;
  /** The days, as they were known before. */
  readonly before: Settled;
  /** The days, as they are known after what was read was taken into the record. */
  readonly known: Settled;
  readonly starts: Awaited<ReturnType<ReturnType<Run['client']>['getSlots']>>;
  readonly bookings: readonly Booking[];
  /** Absent where they were not asked for. */
  readonly breaks: readonly FoundBreak[] | undefined;
  readonly present: Present;
  /** The same, held against what was known to be taken before. */
  readonly presentBefore: Present;
  /** Dates on which bookings or breaks of others were not as they were known. */
  readonly foreign: ReadonlySet<string>;
}

/**
 * @param dryRun where the record stays as it is
 * @param withBreaks whether breaks are asked for
 * @param earlier of which everything but the breaks still stands
 */
export async function read(
  run: Run,
  client: DocplannerClient,
  known: Settled,
  dryRun: boolean,
  withBreaks: boolean,
  earlier?: Reading,
): Promise<Reading> {
  const { calendar, account, db, now } = run;
  const range = rangeOf(run, known.days);
  const at = earlier?.at ?? now();
  const reader = { db, calendar, now, client };
  const starts = earlier?.starts ?? (await client.getSlots(calendar, range.from, range.to));
  const bookings =
    earlier === undefined ? await askForBookings(reader, range) : { list: earlier.bookings, said: [] };
  const breaks = withBreaks ? await askForBreaks(reader, range) : { list: undefined, said: [] };
  const changed = dryRun
    ? await wouldChange(run, bookings.said, breaks.said)
    : await takeIn(run, { bookings: bookings.said, breaks: breaks.said });
  if (!dryRun && changed.length > 0) await tellLater(run);
  const dates = known.days.map(({ date }) => date).sort();
  const placeholders = await placeholdersBetween(db, calendar.id, new Date(range.from), new Date(range.to));
  const assembled = assemble(
    { from: dates[0] ?? '', to: dates.at(-1) ?? '' },
    breaks.list ?? [],
    bookings.list,
    placeholders,
  );
  // Those that the reading changed are published anyway.
  const after =
    changed.length > 0 && !dryRun
      ? await settledDays(db, calendar, account, horizonOf(account.timeZone, now()))
      : known;
  const before = earlier?.before ?? known;
  return {
    at,
    before,
    known: after,
    starts,
    bookings: bookings.list,
    breaks: breaks.list,
    present: withRefs(assembled, calendar.id, needsOf(after.taken, calendar)),
    presentBefore: withRefs(assembled, calendar.id, needsOf(before.taken, calendar)),
    foreign: new Set([...(earlier?.foreign ?? []), ...changed.map(({ date }) => date)]),
  };
}

/** The days that would change, were it taken into the record. */
async function wouldChange(
  { calendar, account, db, now }: Run,
  bookings: readonly SaidBooking[],
  breaks: readonly SaidBreak[],
): Promise<readonly DayChange[]> {
  const { id, bufferBefore = 0, bufferAfter = 0 } = calendar;
  const locked = { id, timeZone: account.timeZone, bufferBefore, bufferAfter };
  const idsOf = (said: readonly { readonly id: string }[]): string[] => said.map((one) => one.id);
  return [
    ...foldBookings(locked, await findBookings(db, id, idsOf(bookings)), bookings, now()).days,
    ...foldBreaks(locked, await findBreaks(db, id, idsOf(breaks)), breaks, now()).days,
  ];
}
