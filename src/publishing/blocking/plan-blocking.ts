/**
 * What to do about the breaks and placeholders of a calendar's pending days. Pure: from what is on offer, what has to
 * be hidden and what the marketplace holds, to the requests that lead there, what closes before what opens.
 */
import { type Closing, orderClosings } from '../../core/closing-order.js';
import {
  type CalendarBreak,
  type Cut,
  computeBreaks,
  diffBreaks,
  localDate,
  type Slot,
  toIso,
} from '../../core/index.js';
import { overlaps, type Span } from '../../core/span.js';
import type { Strategy } from '../../db/schema.js';
import { bookableAs } from './bookable-as.js';
import type { MarketplaceState, OwnBreak, Placeholder } from './marketplace-state.js';
import type { RequiredBlock } from './required-blocks.js';

export interface BlockingDay {
  readonly date: string;
  /** What the marketplace was told to offer; null where it never was. */
  readonly told: readonly Slot[] | null;
  /** Whether that is what it offers: after a lost answer it may be something else. */
  readonly isCertain: boolean;
  /** What it shall offer. */
  readonly wanted: readonly Slot[];
}

/** Half-open, in epoch milliseconds. */
export type BlockingStep =
  | ({ readonly kind: 'add-break' } & Span)
  | ({ readonly kind: 'move-break'; readonly id: string } & Span)
  | { readonly kind: 'delete-break'; readonly one: OwnBreak }
  | { readonly kind: 'book'; readonly need: RequiredBlock; readonly ref: string; readonly service: string }
  | {
      readonly kind: 'move-placeholder';
      readonly one: Placeholder;
      readonly need: RequiredBlock;
      readonly ref: string;
      readonly service: string;
    }
  | { readonly kind: 'cancel'; readonly one: Placeholder };

/** The time that it is about. */
export function spanOfStep(step: BlockingStep): Span {
  switch (step.kind) {
    case 'add-break':
    case 'move-break':
      return step;
    case 'book':
    case 'move-placeholder':
      return step.need;
    case 'delete-break':
    case 'cancel':
      return step.one;
  }
}

export interface BlockingPlan {
  /** Each of them hides more, or as much, and nothing that has to be hidden comes on offer by it. In order. */
  readonly closing: readonly BlockingStep[];
  /** Only once the marketplace was told the slots of all these days. */
  readonly opening: readonly BlockingStep[];
  /** Appointments that breaks hide, or will: they are not booked. */
  readonly byBreaks: readonly RequiredBlock[];
}

export interface BlockingInput {
  readonly strategy: Strategy;
  readonly timeZone: string;
  readonly days: readonly BlockingDay[];
  readonly needs: readonly RequiredBlock[];
  readonly present: MarketplaceState;
  /** What the marketplace has refused in this run: `bookingKey` of a need, ids of placeholders that would not move. */
  readonly refused: ReadonlySet<string>;
  /** How the address cuts periods; absent until it was seen. */
  readonly cut?: Cut | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
}

export const bookingKey = ({ ref, start, end }: RequiredBlock): string => `${ref} ${start} ${end}`;

export function planBlocking(input: BlockingInput): BlockingPlan {
  const { strategy, days, present, timeZone, now } = input;
  const dates = new Map(days.map((day) => [day.date, day]));
  const inPlay = ({ start, end }: Span): boolean =>
    dates.has(localDate(start, timeZone)) || dates.has(localDate(end - 1, timeZone));
  // What is over is left as it is: nobody can book it, and each change would be a request.
  const isOver = ({ end }: Span): boolean => end <= now;
  const isHidden = (need: RequiredBlock): boolean => present.breaks.some((one) => overlaps(one, need));
  const needs = input.needs.filter((need) => !isOver(need) || isHidden(need));
  const breaks = present.breaks.filter(
    (one) => inPlay(one) && (!isOver(one) || needs.some((need) => overlaps(need, one))),
  );
  const placeholders = present.placeholders.filter((one) => inPlay(one) && !isOver(one));
  if (strategy === 'slots') {
    return { closing: [], opening: [...breaks.map(toDelete), ...placeholders.map(toCancel)], byBreaks: [] };
  }

  const onSale = new Map(days.map((day) => [day.date, offered(day)]));
  const affected = needs.filter((need) =>
    [...onSale.values()].some((offer) => offer.some((one) => overlaps(one, need))),
  );
  const booked = strategy === 'book' ? planBookings(affected, placeholders, dates, input) : NOTHING_BOOKED;
  const hiddenByBreaks = affected.filter((need) => !booked.covers.has(need));
  const breaksOver = (busy: readonly Span[]): CalendarBreak[] =>
    days.flatMap(({ date }) => computeBreaks({ timeZone, windows: onSale.get(date) ?? [], busy }));
  const existing = breaks.map(({ id, start, end }) => ({
    id,
    since: toIso(start, timeZone),
    till: toIso(end, timeZone),
  }));
  const { add, move, delete: gone } = diffBreaks(existing, breaksOver(hiddenByBreaks));
  const byId = new Map(breaks.map((one) => [one.id, one]));
  const changes: Change[] = [
    ...booked.book.map((step) => ({ step, to: spanOfStep(step) })),
    ...add.map((one): Change => {
      const to = spanOf(one);
      return { step: { kind: 'add-break', ...to }, to };
    }),
    ...move.map(({ id, ...one }): Change => {
      const [from, to] = [byId.get(id), spanOf(one)];
      const mayMove = from !== undefined && mayLeave(from.start, dates, timeZone);
      return { step: { kind: 'move-break', id, ...to }, from, to, mayMove };
    }),
  ].sort((a, b) => a.to.start - b.to.start);
  const moves = booked.move.map((step): Change => ({ step, from: step.one, to: step.need }));
  const ordered = orderClosings([...changes, ...moves], {
    blockers: [...present.breaks, ...present.placeholders],
    mustBlock: affected,
    onSale: [...onSale.values()].flat(),
  });
  const goes = new Set(gone);
  const staying = ordered.flatMap(({ change, stays }) => (stays ? [change.step] : []));
  for (const step of staying) if (step.kind === 'move-break') goes.add(step.id);
  const isStaying = (one: Placeholder): boolean =>
    staying.some((step) => step.kind === 'move-placeholder' && step.one === one);
  return {
    closing: ordered.flatMap(({ change: { step, to }, stays }): readonly BlockingStep[] =>
      stays ? breaksOver([to]).map((one) => ({ kind: 'add-break', ...spanOf(one) })) : [step],
    ),
    opening: [
      ...placeholders.filter((one) => !booked.keeps.has(one.id) || isStaying(one)).map(toCancel),
      ...breaks.filter(({ id }) => goes.has(id)).map(toDelete),
    ],
    byBreaks: hiddenByBreaks.filter(({ ref }) => ref !== null),
  };
}

/** A step that closes, and what it hides. */
interface Change extends Closing {
  readonly step: BlockingStep;
}

const spanOf = ({ since, till }: CalendarBreak): Span => ({
  start: Date.parse(since),
  end: Date.parse(till),
});

const toDelete = (one: OwnBreak): BlockingStep => ({ kind: 'delete-break', one });
const toCancel = (one: Placeholder): BlockingStep => ({ kind: 'cancel', one });

type BookStep = Extract<BlockingStep, { kind: 'book' }>;
type MoveStep = Extract<BlockingStep, { kind: 'move-placeholder' }>;

interface Booked {
  /** What needs no break, because it is booked or will be. */
  readonly covers: ReadonlySet<RequiredBlock>;
  /** Ids of placeholders that stay, where they are or elsewhere. */
  readonly keeps: ReadonlySet<string>;
  readonly book: readonly BookStep[];
  /** They leave what they hid, so they come after everything else that closes, wherever that does not wait for them. */
  readonly move: readonly MoveStep[];
}

const NOTHING_BOOKED: Booked = { covers: new Set(), keeps: new Set(), book: [], move: [] };

/** An appointment is booked where the marketplace offers its start; everything else is for a break. */
function planBookings(
  needs: readonly RequiredBlock[],
  placeholders: readonly Placeholder[],
  dates: ReadonlyMap<string, BlockingDay>,
  { timeZone, present, refused, cut, now }: BlockingInput,
): Booked {
  const covers = new Set<RequiredBlock>();
  const keeps = new Set<string>();
  const book: BookStep[] = [];
  const move: MoveStep[] = [];
  const hidden: Span[] = [...present.others, ...present.breaks, ...present.placeholders];
  const unsettled: RequiredBlock[] = [];
  for (const need of needs) {
    const exact = placeholders.find(
      ({ ref, start, end }) => ref === need.ref && start === need.start && end === need.end,
    );
    if (need.ref === null || exact === undefined) {
      unsettled.push(need);
    } else {
      covers.add(need);
      keeps.add(exact.id);
    }
  }
  for (const need of unsettled) {
    const { ref } = need;
    if (ref === null || refused.has(bookingKey(need))) continue;
    const told = dates.get(localDate(need.start, timeZone))?.told ?? [];
    const mine = placeholders.find((one) => one.ref === ref && !keeps.has(one.id) && !refused.has(one.id));
    if (mine !== undefined && !mayLeave(mine.start, dates, timeZone)) continue;
    const inTheWay = hidden.filter((one) => one !== mine);
    const service = bookableAs(need, told, inTheWay, now, cut);
    if (service === undefined) continue;
    covers.add(need);
    hidden.push({ start: need.start, end: need.end });
    if (mine === undefined) {
      book.push({ kind: 'book', need, ref, service });
    } else {
      keeps.add(mine.id);
      move.push({ kind: 'move-placeholder', one: mine, need, ref, service });
    }
  }
  return { covers, keeps, book, move };
}

/** Where it is not certain what is on offer, whatever leaves may uncover something. */
const mayLeave = (start: number, dates: ReadonlyMap<string, BlockingDay>, timeZone: string): boolean =>
  dates.get(localDate(start, timeZone))?.isCertain === true;

/** Everything that is on offer now, as far as that is certain, or will be. */
function offered({ told, wanted }: BlockingDay): Span[] {
  return [...(told ?? []), ...wanted].map(({ start, end }) => ({
    start: Date.parse(start),
    end: Date.parse(end),
  }));
}
