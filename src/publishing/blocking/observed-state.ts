/**
 * The marketplace state of one reconcile: the breaks and bookings that it read, as it changed them since. Each change is
 * applied to the database and to this state.
 */

import type { CalendarContext } from '../../context/context.js';
import { overlaps, type Span } from '../../core/span.js';
import type { Db } from '../../db/schema.js';
import { findBookings } from '../../db/tables/bookings.js';
import { findBreaks } from '../../db/tables/breaks.js';
import type { BookingUpdate } from '../../marketplace-state/apply-bookings.js';
import { applyUpdates } from '../../marketplace-state/fetch-state.js';
import { checkPlan } from '../check-plan.js';
import type { DesiredDay } from '../desired-days.js';
import { fetchMarketplaceState, type Reading, withRefs } from './fetch-marketplace-state.js';
import type { MarketplaceState, OwnBreak } from './marketplace-state.js';
import { type RequiredBlock, without } from './required-blocks.js';

export class ObservedState {
  /** See {@link import('./plan-blocking.js').BlockingInput.refused}. */
  readonly refused = new Set<string>();
  readonly #context: CalendarContext;
  readonly #invalidatedFor = new Set<string>();
  /** Ids of breaks and placeholders that others changed during the reconcile. */
  readonly #reportedChanges = new Set<string>();
  /** Ids of breaks whose description was requested. */
  readonly #requestedBreaks = new Set<string>();
  /** The days that the plan was made from. */
  #days: readonly DesiredDay[] = [];
  #fetched: Reading | undefined;
  /** Where own breaks were at the last call of `findNewlyBlocked`. */
  #blockingBefore: readonly Span[] = [];

  constructor(context: CalendarContext) {
    this.#context = context;
  }

  /**
   * The state of these days, read once; `changed` where the read changed the database.
   * @param unread breaks of others that were notified since, for which the state is read again
   */
  async fetchState(
    days: readonly DesiredDay[],
    requiredBlocks: readonly RequiredBlock[],
    unread: readonly string[],
  ): Promise<MarketplaceState | 'changed'> {
    this.#days = days;
    const known = this.#fetched;
    const newIds = unread.filter((id) => !this.#requestedBreaks.has(id));
    for (const id of newIds) this.#requestedBreaks.add(id);
    const covers =
      known !== undefined &&
      newIds.length === 0 &&
      days.every(({ date }) => known.from <= date && date <= known.to) &&
      (await this.#isUnchanged(known));
    const read = covers ? known : await fetchMarketplaceState(this.#context, days);
    if (!covers) this.#blockingBefore = read.known;
    this.#fetched = read;
    if (!covers && read.changedDatabase) return 'changed';
    return withRefs(read, this.#context.calendar.id, requiredBlocks);
  }

  /**
   * Whether no breaks or placeholders of ours were removed or moved by others meanwhile, according to the database. Each
   * change is reported once.
   */
  async #isUnchanged({ breaks, placeholders }: Reading): Promise<boolean> {
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
    ].filter(({ id }) => !this.#reportedChanges.has(id));
    for (const { id } of changed) this.#reportedChanges.add(id);
    return changed.length === 0;
  }

  /** See {@link checkPlan}. @throws {PlanOutdatedError} */
  async checkPlan(db: Db): Promise<void> {
    await checkPlan(this.#context, db, this.#days);
  }

  /** Discards what was read: the next step reads it again. */
  invalidate(): void {
    this.#fetched = undefined;
  }

  /**
   * Discards what was read, because the marketplace contradicts it.
   * @throws the error, where the state was read again for this key already
   */
  invalidateOnce(key: string, error: Error): void {
    if (this.#invalidatedFor.has(key)) throw error;
    this.#invalidatedFor.add(key);
    this.invalidate();
  }

  /** The appointments that own breaks block now and did not at the last call, or at the read before it. */
  findNewlyBlocked(appointments: readonly RequiredBlock[]): readonly RequiredBlock[] {
    const breaks = this.#fetched?.breaks;
    if (breaks === undefined) return [];
    const before = this.#blockingBefore;
    this.#blockingBefore = breaks;
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

  async applyBreak(one: OwnBreak, removed: boolean): Promise<void> {
    const observedAt = this.#context.now();
    const kind = removed ? 'removed' : 'answered';
    const ours = { own: true, tag: this.#context.calendar.id } as const;
    await applyUpdates(this.#context, {
      breaks: [{ id: one.id, since: one.start, till: one.end, ...ours, kind, observedAt }],
    });
    const read = this.#fetched;
    if (read === undefined) return;
    const others = read.breaks.filter(({ id }) => id !== one.id);
    this.#fetched = { ...read, breaks: removed ? others : [...others, one] };
  }

  async applyPlaceholders(...bookings: readonly BookingUpdate[]): Promise<void> {
    await applyUpdates(this.#context, { bookings: bookings.map((one) => ({ ...one, isOwnChange: true })) });
    const read = this.#fetched;
    if (read === undefined) return;
    const ids = new Set(bookings.map(({ id }) => id));
    this.#fetched = {
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
