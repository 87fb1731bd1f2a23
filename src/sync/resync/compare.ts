/**
 * Compares everything that the marketplace shows of a calendar with what it should show: one getSlots over the whole
 * horizon, its bookings, and its breaks where they matter. Days that differ are marked, to be published like any other.
 * Contract: getSlots, getBookings, getCalendarBreaks.
 */
import { datesOf, LEAST_URGENT, localDate, type Slot, toIso, urgency } from '../../core/index.js';
import type { Booking } from '../../docplanner/index.js';
import type { Interval } from '../../occupancy/day-changes.js';
import { foldBookings, type SaidBooking } from '../../occupancy/take-bookings.js';
import { foldBreaks, type SaidBreak } from '../../occupancy/take-breaks.js';
import { findBookings, placeholdersBetween } from '../../store/bookings.js';
import { findBreaks } from '../../store/breaks.js';
import type { DayChange, DriftingChange } from '../../store/days.js';
import type { Compared, DriftingDay } from '../../store/resyncs.js';
import { needsOf } from '../hiding/needs.js';
import { type HidingStep, planHiding, spanOfStep } from '../hiding/plan.js';
import type { Present } from '../hiding/present.js';
import { assemble, withRefs } from '../hiding/reading.js';
import { horizonOf } from '../horizon.js';
import { rangeOf } from '../read-back.js';
import { askForBookings, askForBreaks, type FoundBreak, takeIn } from '../read-marketplace.js';
import type { Run } from '../run.js';
import { type Settled, settledDays } from '../snapshot.js';
import { tellLater } from '../tell-later.js';
import { type Difference, differences, type Start } from '../verify.js';

/** In all that a report tells one by one. */
const MOST_STARTS = 50;

export interface Comparison {
  readonly compared: Compared;
  /** What has to be published for it. */
  readonly changes: readonly DriftingChange[];
  /** Days of others' bookings and breaks, which are published anyway, and on which the slots are not as they were told. */
  readonly distrusted: readonly string[];
}

/** @param dryRun where the record stays as it is; else what others booked and closed is taken into it */
export async function compareCalendar(run: Run, dryRun: boolean): Promise<Comparison> {
  const { calendar, account, db, now } = run;
  const before = run.requests.reads;
  const horizon = horizonOf(account.timeZone, now());
  const known = await settledDays(db, calendar, account, horizon);
  if (known.days.length === 0) return { compared: NOTHING, changes: [], distrusted: [] };
  const reading = await read(run, known, dryRun, calendar.strategy !== 'slots');
  let found = inspect(run, reading);
  if (found.needsBreaks) {
    // What is missing may be hidden by breaks, which had not been asked for.
    found = inspect(run, await read(run, known, dryRun, true, reading));
  }
  const count = (of: (day: DriftingDay) => boolean): number => found.days.filter(of).length;
  const compared = {
    daysCompared: known.days.length,
    missing: count(({ missing }) => missing.length > 0),
    extra: count(({ extra }) => extra.length > 0),
    stale: count(({ stale }) => stale > 0),
    foreign: count(({ foreign }) => foreign),
    reads: run.requests.reads - before,
    days: found.days,
  };
  return { compared, changes: found.changes, distrusted: found.distrusted };
}

const NOTHING: Compared = { daysCompared: 0, missing: 0, extra: 0, stale: 0, foreign: 0, reads: 0, days: [] };

interface Reading {
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

async function read(
  run: Run,
  known: Settled,
  dryRun: boolean,
  withBreaks: boolean,
  earlier?: Reading,
): Promise<Reading> {
  const { calendar, account, db, now } = run;
  const range = rangeOf(run, known.days);
  const client = run.client(LEAST_URGENT);
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

interface Inspected {
  readonly days: readonly DriftingDay[];
  readonly changes: readonly DriftingChange[];
  readonly distrusted: readonly string[];
  readonly needsBreaks: boolean;
}

function inspect(run: Run, reading: Reading): Inspected {
  const { before, known, starts, breaks, present, presentBefore, foreign } = reading;
  const { calendar, account, now } = run;
  const { timeZone } = account;
  const at = now();
  const hiding = [...present.breaks, ...present.placeholders, ...present.others];
  const days = known.days.filter(({ date }) => !foreign.has(date));
  // What is taken on a day of others changes what is wanted there: what it was told last is what it can be held against.
  const others = before.days.filter(({ date }) => foreign.has(date));
  const shouldShow = days.map(({ date, wanted }) => ({ date, slots: wanted }));
  const shouldHaveShown = others.map(({ date, published }) => ({ date, slots: published ?? [] }));
  const dateOf = (ms: number): string => localDate(ms, timeZone);
  const differing = new Map(
    differences([...shouldShow, ...shouldHaveShown], { starts, taken: hiding }, dateOf, at).map((one) => [
      one.date,
      one,
    ]),
  );
  const steps = stepsOf(run, shouldShow, known.taken, present);
  // What somebody took away of ours hid taken time that others' doing has nothing to do with.
  const stepsBefore = stepsOf(run, shouldHaveShown, before.taken, presentBefore);

  const found: DriftingDay[] = [];
  const changes: DriftingChange[] = [];
  for (const { date, generation } of days) {
    const difference = differing.get(date);
    const { closing = [], opening = [] } = steps.get(date) ?? {};
    if (difference === undefined && closing.length + opening.length === 0) continue;
    found.push({
      date,
      missing: spelled(difference?.missing ?? [], timeZone),
      extra: [
        ...spelled(difference?.extra ?? [], timeZone),
        ...closing.map((span) => uncovered(span, timeZone)),
      ],
      stale: opening.length,
      foreign: false,
    });
    changes.push({ date, generation, ...urgencyOfDrift(difference, closing, opening, at) });
  }
  for (const date of foreign) {
    const { missing = [], extra = [] } = differing.get(date) ?? {};
    const { closing = [] } = stepsBefore.get(date) ?? {};
    found.push({
      date,
      missing: spelled(missing, timeZone),
      extra: [...spelled(extra, timeZone), ...closing.map((span) => uncovered(span, timeZone))],
      stale: 0,
      foreign: true,
    });
  }
  const hidesNothing = calendar.strategy === 'slots' && breaks === undefined;
  return {
    days: found.sort((a, b) => (a.date < b.date ? -1 : 1)),
    changes,
    distrusted: [...foreign].filter((date) => differing.has(date)),
    needsBreaks: hidesNothing && [...differing.values()].some(({ missing }) => missing.length > 0),
  };
}

interface Steps {
  readonly closing: readonly Interval[];
  readonly opening: readonly Interval[];
}

/** What would have to be done about our own breaks and placeholders, were every day told this. */
function stepsOf(
  run: Run,
  days: readonly { readonly date: string; readonly slots: readonly Slot[] }[],
  taken: Settled['taken'],
  present: Present,
): ReadonlyMap<string, Steps> {
  const { calendar, account, now } = run;
  const plan = planHiding({
    strategy: calendar.strategy,
    timeZone: account.timeZone,
    days: days.map(({ date, slots }) => ({ date, told: slots, isCertain: true, wanted: slots })),
    needs: needsOf(taken, calendar),
    present,
    refused: new Set(),
    now: now(),
  });
  const steps = new Map<string, { closing: Interval[]; opening: Interval[] }>();
  const put = (kind: 'closing' | 'opening', step: HidingStep): void => {
    const span = spanOfStep(step);
    for (const date of datesOf(span, account.timeZone)) {
      const of = steps.get(date) ?? { closing: [], opening: [] };
      of[kind].push(span);
      steps.set(date, of);
    }
  };
  for (const step of plan.closing) put('closing', step);
  for (const step of plan.opening) put('opening', step);
  return steps;
}

/** What is on sale and should not be goes first, like anything that closes; the rest is housekeeping. */
function urgencyOfDrift(
  difference: Difference | undefined,
  closing: readonly Interval[],
  opening: readonly Interval[],
  now: number,
): { readonly urgency: number; readonly isTold: boolean } {
  const extra = [...(difference?.extra ?? []).map(spanOfStart), ...closing];
  const missing = [...(difference?.missing ?? []).map(spanOfStart), ...opening];
  return {
    urgency:
      extra.length > 0
        ? urgency({ closed: extra, opened: [], now })
        : urgency({ closed: [], opened: missing, now, resync: true }),
    isTold: difference === undefined,
  };
}

const spanOfStart = ({ at, end }: Start): Interval => ({ start: at, end: Math.max(end, at + 1) });

function spelled(starts: readonly Start[], timeZone: string): string[] {
  return starts
    .slice(0, MOST_STARTS)
    .map(({ at, service }) => `${toIso(at, timeZone)}${service === undefined ? '' : ` (${service})`}`);
}

const uncovered = ({ start }: Interval, timeZone: string): string => `${toIso(start, timeZone)} (not hidden)`;
