/**
 * What a run has seen of the marketplace: the breaks and bookings that it read, as it changed them since, and what
 * surprised it. Each change goes into the record and into the reading alike.
 */

import type { CalendarContext } from '../../context/context.js';
import { overlaps, type Span } from '../../core/span.js';
import { findBookings } from '../../db/tables/bookings.js';
import { findBreaks } from '../../db/tables/breaks.js';
import type { BookingUpdate } from '../../marketplace-state/apply-bookings.js';
import { applyUpdates } from '../../marketplace-state/fetch-state.js';
import { checkPlan } from '../check-plan.js';
import type { WantedDay } from '../desired-days.js';
import { fetchMarketplaceState, type Reading, withRefs } from './fetch-marketplace-state.js';
import type { MarketplaceState, OwnBreak } from './marketplace-state.js';
import { type RequiredBlock, without } from './required-blocks.js';

export class ObservedState {
  /** See {@link import('./plan-blocking.js').HidingInput.refused}. */
  readonly refused = new Set<string>();
  readonly #context: CalendarContext;
  readonly #surprises = new Set<string>();
  /** Ids of what others changed in the middle of the run. */
  readonly #lostTrackOf = new Set<string>();
  /** Ids of breaks whose description was looked for. */
  readonly #lookedFor = new Set<string>();
  /** What the plan was made from. */
  #days: readonly WantedDay[] = [];
  #read: Reading | undefined;
  /** Where breaks of ours were when it was last asked what they have come to hide. */
  #hidBefore: readonly Span[] = [];

  constructor(context: CalendarContext) {
    this.#context = context;
  }

  /**
   * What is there on these days, read once; `news` where the reading changed the record.
   * @param unread breaks of others that it is read again for, where they were heard of since
   */
  async present(
    days: readonly WantedDay[],
    needs: readonly RequiredBlock[],
    unread: readonly string[],
  ): Promise<MarketplaceState | 'news'> {
    this.#days = days;
    const known = this.#read;
    const heardOf = unread.filter((id) => !this.#lookedFor.has(id));
    for (const id of heardOf) this.#lookedFor.add(id);
    const covers =
      known !== undefined &&
      heardOf.length === 0 &&
      days.every(({ date }) => known.from <= date && date <= known.to) &&
      (await this.#stillStands(known));
    const read = covers ? known : await fetchMarketplaceState(this.#context, days);
    if (!covers) this.#hidBefore = read.known;
    this.#read = read;
    if (!covers && read.isNew) return 'news';
    return withRefs(read, this.#context.calendar.id, needs);
  }

  /** Whether others have taken away or moved nothing of ours meanwhile, as far as the record has heard. Once for each. */
  async #stillStands({ breaks, placeholders }: Reading): Promise<boolean> {
    const { db, calendar } = this.#context;
    const [knownBreaks, knownBookings] = await Promise.all([
      findBreaks(db, calendar.id, idsOf(breaks)),
      findBookings(db, calendar.id, idsOf(placeholders)),
    ]);
    const changed = [
      ...breaks.filter(({ id, start, end }) => {
        const one = knownBreaks.get(id);
        const isThere = one === undefined || !(one.removed || one.unlisted);
        return !isThere || (one && (one.since.getTime() !== start || one.till.getTime() !== end));
      }),
      ...placeholders.filter(({ id }) => (knownBookings.get(id)?.status ?? 'booked') !== 'booked'),
    ].filter(({ id }) => !this.#lostTrackOf.has(id));
    for (const { id } of changed) this.#lostTrackOf.add(id);
    return changed.length === 0;
  }

  /** See {@link checkPlan}. @throws {PlanOutdatedError} */
  async checkPlan(): Promise<void> {
    await checkPlan(this.#context, this.#days);
  }

  /** What was read may be wrong: the next step reads it again. */
  readAgain(): void {
    this.#read = undefined;
  }

  /**
   * The marketplace says that something is not as it was read. What is there will tell, unless it was read again for
   * that already.
   * @throws the error, where it was
   */
  readAgainOnceFor(key: string, error: Error): void {
    if (this.#surprises.has(key)) throw error;
    this.#surprises.add(key);
    this.readAgain();
  }

  /** Those of the appointments that breaks of ours have come to hide since this was asked last, or since a reading before that. */
  cameToHide(appointments: readonly RequiredBlock[]): readonly RequiredBlock[] {
    const breaks = this.#read?.breaks;
    if (breaks === undefined) return [];
    const before = this.#hidBefore;
    this.#hidBefore = breaks;
    const isKnown = new Set(before.map(keyOf));
    const fresh = breaks.filter((one) => !isKnown.has(keyOf(one)));
    return appointments.filter((need) => {
      const added = fresh.filter((one) => overlaps(one, need));
      if (added.length === 0) return false;
      const left = before.reduce<readonly Span[]>(
        (parts, hole) => parts.flatMap((part) => without(part, hole)),
        [need],
      );
      return left.some((part) => added.some((one) => overlaps(one, part)));
    });
  }

  async breakIs(one: OwnBreak, removed: boolean): Promise<void> {
    const observedAt = this.#context.now();
    const kind = removed ? 'removed' : 'answered';
    const ours = { own: true, tag: this.#context.calendar.id } as const;
    await applyUpdates(this.#context, {
      breaks: [{ id: one.id, since: one.start, till: one.end, ...ours, kind, observedAt }],
    });
    const read = this.#read;
    if (read === undefined) return;
    const others = read.breaks.filter(({ id }) => id !== one.id);
    this.#read = { ...read, breaks: removed ? others : [...others, one] };
  }

  async placeholdersAre(...bookings: readonly BookingUpdate[]): Promise<void> {
    await applyUpdates(this.#context, { bookings: bookings.map((one) => ({ ...one, isOwnChange: true })) });
    const read = this.#read;
    if (read === undefined) return;
    const ids = new Set(bookings.map(({ id }) => id));
    this.#read = {
      ...read,
      placeholders: [
        ...read.placeholders.filter(({ id }) => !ids.has(id)),
        ...bookings.flatMap(({ id, status, start, end, placeholder }) =>
          status === 'booked' ? [{ id, start, end, ref: placeholder?.ref ?? null, mark: '' }] : [],
        ),
      ],
    };
  }
}

const keyOf = ({ start, end }: Span): string => `${start} ${end}`;

const idsOf = (some: readonly { readonly id: string }[]): string[] => some.map(({ id }) => id);
