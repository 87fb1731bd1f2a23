/**
 * Plans the changes of own breaks and placeholders for a calendar's pending days. Pure: from the slots on sale, the required
 * blocks and the marketplace state to the requests that lead there, closing requests before opening ones.
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
  /** The published slots; null where the day was never published. */
  readonly published: readonly Slot[] | null;
  /** Whether the marketplace is known to offer them: after a lost answer it may offer something else. */
  readonly isVerified: boolean;
  /** The desired slots. */
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

/** The time that the step blocks or frees. */
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
  /** Steps that block more, or as much as before, and put nothing on sale that must be blocked. In order. */
  readonly closing: readonly BlockingStep[];
  /** Executed only after the desired slots of all these days were published. */
  readonly opening: readonly BlockingStep[];
  /** Appointments that breaks block, or will block: they are not booked. */
  readonly byBreaks: readonly RequiredBlock[];
}

export interface BlockingInput {
  readonly strategy: Strategy;
  readonly timeZone: string;
  readonly days: readonly BlockingDay[];
  readonly requiredBlocks: readonly RequiredBlock[];
  readonly marketplaceState: MarketplaceState;
  /**
   * What the marketplace has refused in this reconcile: `bookingKey` of a required block, ids of placeholders that cannot
   * move.
   */
  readonly refused: ReadonlySet<string>;
  /** How the address cuts periods; absent until it was observed. */
  readonly cut?: Cut | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
}

export const bookingKey = ({ ref, start, end }: RequiredBlock): string => `${ref} ${start} ${end}`;

export function planBlocking(input: BlockingInput): BlockingPlan {
  const { strategy, days, marketplaceState, timeZone, now } = input;
  const dates = new Map(days.map((day) => [day.date, day]));
  const isOnPendingDay = ({ start, end }: Span): boolean =>
    dates.has(localDate(start, timeZone)) || dates.has(localDate(end - 1, timeZone));
  // Past breaks and placeholders stay as they are: nobody can book that time, and each change would cost a request.
  const isOver = ({ end }: Span): boolean => end <= now;
  const isHidden = (need: RequiredBlock): boolean =>
    marketplaceState.breaks.some((one) => overlaps(one, need));
  const requiredBlocks = input.requiredBlocks.filter((need) => !isOver(need) || isHidden(need));
  const breaks = marketplaceState.breaks.filter(
    (one) => isOnPendingDay(one) && (!isOver(one) || requiredBlocks.some((need) => overlaps(need, one))),
  );
  const placeholders = marketplaceState.placeholders.filter((one) => isOnPendingDay(one) && !isOver(one));
  if (strategy === 'slots') {
    return { closing: [], opening: [...breaks.map(toDelete), ...placeholders.map(toCancel)], byBreaks: [] };
  }

  const onSale = new Map(days.map((day) => [day.date, offered(day)]));
  const affected = requiredBlocks.filter((need) =>
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
      const mayMove = from !== undefined && isCertainOn(from.start, dates, timeZone);
      return { step: { kind: 'move-break', id, ...to }, from, to, mayMove };
    }),
  ].sort((a, b) => a.to.start - b.to.start);
  const moves = booked.move.map((step): Change => ({ step, from: step.one, to: step.need }));
  const ordered = orderClosings([...changes, ...moves], {
    blockers: [...marketplaceState.breaks, ...marketplaceState.placeholders],
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

/** A step that closes, with the time that it blocks. */
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
  /** Blocks that require no break, because they are booked or will be. */
  readonly covers: ReadonlySet<RequiredBlock>;
  /** Ids of placeholders that stay, at their time or at another. */
  readonly keeps: ReadonlySet<string>;
  readonly book: readonly BookStep[];
  /** These free the time that they blocked, so they come after every other closing step that does not wait for them. */
  readonly move: readonly MoveStep[];
}

const NOTHING_BOOKED: Booked = { covers: new Set(), keeps: new Set(), book: [], move: [] };

/** An appointment is booked where the marketplace offers its start; a break blocks every other one. */
function planBookings(
  requiredBlocks: readonly RequiredBlock[],
  placeholders: readonly Placeholder[],
  dates: ReadonlyMap<string, BlockingDay>,
  { timeZone, marketplaceState, refused, cut, now }: BlockingInput,
): Booked {
  const covers = new Set<RequiredBlock>();
  const keeps = new Set<string>();
  const book: BookStep[] = [];
  const move: MoveStep[] = [];
  const hidden: Span[] = [
    ...marketplaceState.others,
    ...marketplaceState.breaks,
    ...marketplaceState.placeholders,
  ];
  const unsettled: RequiredBlock[] = [];
  for (const need of requiredBlocks) {
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
    const published = dates.get(localDate(need.start, timeZone))?.published ?? [];
    const mine = placeholders.find((one) => one.ref === ref && !keeps.has(one.id) && !refused.has(one.id));
    if (mine !== undefined && !isCertainOn(mine.start, dates, timeZone)) continue;
    const inTheWay = hidden.filter((one) => one !== mine);
    const service = bookableAs(need, published, inTheWay, now, cut);
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

/** Where the slots on sale are uncertain, moving a break or placeholder may put time on sale. */
const isCertainOn = (start: number, dates: ReadonlyMap<string, BlockingDay>, timeZone: string): boolean =>
  dates.get(localDate(start, timeZone))?.isVerified === true;

/** Everything that is on sale now, as far as that is certain, or will be. */
function offered({ published, wanted }: BlockingDay): Span[] {
  return [...(published ?? []), ...wanted].map(({ start, end }) => ({
    start: Date.parse(start),
    end: Date.parse(end),
  }));
}
