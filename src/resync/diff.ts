/** Compares what was read of a calendar with the desired state. */

import type { CalendarContext } from '../context/context.js';
import { type Cut, datesOf, localDate, priority, type Slot, sameSlots, toIso } from '../core/index.js';
import type { Span } from '../core/span.js';
import type { AddressBehavior } from '../db/tables/address-behavior.js';
import type { DriftingDayMark, ShownAs } from '../db/tables/days.js';
import type { DriftingDay } from '../db/tables/resync-calendars.js';
import type { MarketplaceState } from '../publishing/blocking/marketplace-state.js';
import { type BlockingStep, planBlocking, spanOfStep } from '../publishing/blocking/plan-blocking.js';
import { requiredBlocksOf } from '../publishing/blocking/required-blocks.js';
import type { ComputedDays } from '../publishing/desired-days.js';
import { type Difference, diffDays, type Start } from '../publishing/diff-availability.js';
import { SETTLED_MS } from '../publishing/verification.js';
import type { Reading } from './fetch.js';

/** The most starts that a report lists of one day. */
export const MAX_STARTS = 50;

export interface Inspected {
  readonly days: readonly DriftingDay[];
  readonly changes: readonly DriftingDayMark[];
  readonly distrusted: readonly string[];
  readonly requiresBreaks: boolean;
  /** What the read showed of each compared day. */
  readonly shown: readonly { readonly date: string; readonly shown: ShownAs }[];
  /** How the address cuts periods, as far as it is known now. */
  readonly cut: Cut | undefined;
  /**
   * When to read again, where days differ whose last write is so recent that the read may lag behind it; epoch milliseconds.
   */
  readonly readAgainAt: number | undefined;
}

export function inspect(context: CalendarContext, reading: Reading, behavior: AddressBehavior): Inspected {
  const { before, known, starts, breaks, marketplaceState, marketplaceStateBefore, foreign } = reading;
  const { calendar, account, now } = context;
  const { timeZone } = account;
  const at = now();
  const hiding = [...marketplaceState.breaks, ...marketplaceState.placeholders, ...marketplaceState.others];
  const days = known.days.filter(({ date }) => !foreign.has(date));
  // Bookings and breaks of others change the desired slots of their days: these days are compared with the published slots.
  const others = before.days.filter(({ date }) => foreign.has(date));
  const shouldShow = days.map(({ date, wanted }) => ({ date, slots: wanted }));
  const shouldHaveShown = others.map(({ date, published }) => ({ date, slots: published ?? [] }));
  const dateOf = (ms: number): string => localDate(ms, timeZone);
  const judged = diffDays(
    [...shouldShow, ...shouldHaveShown],
    { starts, busyTime: hiding },
    dateOf,
    at,
    [],
    behavior.cut,
  );
  // The read of such a day is stored as starts: it was compared with other slots than the published ones.
  const outdated = days.filter(({ wanted, published }) => !sameSlots(wanted, published ?? []));
  const isOutdated = (date: string): boolean => outdated.some((day) => day.date === date);
  const settledAt = new Map(
    known.days.map(({ date, publishedAt, verified }) => {
      const isVerified = verified && context.verify === 'always';
      return [date, (publishedAt?.getTime() ?? 0) + (isVerified ? behavior.readLagMs : SETTLED_MS)];
    }),
  );
  const isLate = (date: string): boolean => (settledAt.get(date) ?? 0) > reading.at;
  const differing = new Map(
    judged.flatMap(({ difference }) => {
      // A day that matches the other cut exactly is correct, and the assumed cut was wrong.
      const differs = difference && (difference.otherCut === undefined || isLate(difference.date));
      return differs ? [[difference.date, difference] as const] : [];
    }),
  );
  const cuts = new Set(judged.flatMap(({ cut, difference }) => cut ?? difference?.otherCut ?? []));
  const [cut] = cuts.size === 1 ? cuts : [behavior.cut];
  const steps = stepsOf(context, shouldShow, known.busyTime, marketplaceState, cut);
  // Own blocks that somebody removed had blocked busy time, whatever others booked on that day.
  const stepsBefore = stepsOf(context, shouldHaveShown, before.busyTime, marketplaceStateBefore, cut);

  const found: DriftingDay[] = [];
  const changes: DriftingDayMark[] = [];
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
    changes.push({ date, generation, ...priorityOfDrift(difference, closing, opening, at) });
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
    cut,
    readAgainAt: latest([...differing.keys()].filter(isLate).map((date) => settledAt.get(date) ?? 0)),
    shown: judged.map(({ date, shown }) => ({
      date,
      shown: isOutdated(date)
        ? { starts: starts.filter(({ start }) => dateOf(Date.parse(start)) === date) }
        : shown,
    })),
    requiresBreaks: hidesNothing && [...differing.values()].some(({ missing }) => missing.length > 0),
  };
}

const latest = (times: readonly number[]): number | undefined =>
  times.length === 0 ? undefined : Math.max(...times);

interface Steps {
  readonly closing: readonly Span[];
  readonly opening: readonly Span[];
}

/** The steps that our breaks and placeholders would require if these slots were published on every day. */
function stepsOf(
  context: CalendarContext,
  days: readonly { readonly date: string; readonly slots: readonly Slot[] }[],
  busyTime: ComputedDays['busyTime'],
  marketplaceState: MarketplaceState,
  cut: Cut | undefined,
): ReadonlyMap<string, Steps> {
  const { calendar, account, now } = context;
  const plan = planBlocking({
    strategy: calendar.strategy,
    timeZone: account.timeZone,
    days: days.map(({ date, slots }) => ({ date, published: slots, isVerified: true, wanted: slots })),
    requiredBlocks: requiredBlocksOf(busyTime, calendar),
    marketplaceState,
    refused: new Set(),
    cut,
    now: now(),
  });
  const steps = new Map<string, { closing: Span[]; opening: Span[] }>();
  const put = (kind: 'closing' | 'opening', step: BlockingStep): void => {
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

/** Drift that is wrongly on sale has the priority of a closing change; all other drift has the lowest. */
function priorityOfDrift(
  difference: Difference | undefined,
  closing: readonly Span[],
  opening: readonly Span[],
  now: number,
): { readonly priority: number; readonly isVerified: boolean } {
  const extra = [...(difference?.extra ?? []).map(spanOfStart), ...closing];
  const missing = [...(difference?.missing ?? []).map(spanOfStart), ...opening];
  return {
    priority:
      extra.length > 0
        ? priority({ closed: extra, opened: [], now })
        : priority({ closed: [], opened: missing, now, resync: true }),
    isVerified: difference === undefined,
  };
}

const spanOfStart = ({ at, end }: Start): Span => ({ start: at, end: Math.max(end, at + 1) });

function spelled(starts: readonly Start[], timeZone: string): string[] {
  return starts
    .slice(0, MAX_STARTS)
    .map(({ at, service }) => `${toIso(at, timeZone)}${service === undefined ? '' : ` (${service})`}`);
}

const uncovered = ({ start }: Span, timeZone: string): string => `${toIso(start, timeZone)} (not hidden)`;
