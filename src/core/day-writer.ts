/**
 * Converts intervals of availability into slots of local dates: splits, rounds and aligns them, and omits services that do
 * not fit.
 */
import { dateText } from './calendar-date.js';
import { isoOfMinute } from './civil.js';
import { MINUTE } from './duration.js';
import type { Offer } from './offers.js';
import type { DayRange } from './read-range.js';
import type { AddressService, Day, Slot } from './types.js';
import type { Stretch, Zone } from './zone.js';

/**
 * Each computation creates one. Members are `private` instead of `#`, because `#` costs Node 20 one microsecond for each
 * new object.
 */
export class DayWriter {
  readonly days: (Day & { readonly slots: Slot[] })[] = [];
  /** Epoch ms. All days begin at or after this instant. */
  readonly start: number;
  /** Epoch ms. All days end at or before this instant. */
  readonly end: number;

  private readonly zone: Zone;
  private readonly first: number;
  private readonly grid: number;
  private stretch: Stretch;

  constructor(zone: Zone, range: DayRange, grid: number) {
    for (let day = range.first; day <= range.last; day++) {
      this.days.push({ date: dateText(day), slots: [] });
    }
    const hasDays = this.days.length > 0;
    this.zone = zone;
    this.first = range.first;
    this.grid = grid;
    this.start = hasDays ? zone.startOfDay(range.first) : 0;
    // A clock set back just after midnight shows the old date again, so the last date may end after the next date's start.
    this.end = hasDays ? zone.startOfDay(range.last + 2) : 0;
    this.stretch = zone.stretchAt(this.start);
  }

  /**
   * Adds the slots of an interval (epoch ms) with a constant offer. Calls must be in order of time. An empty interval adds
   * nothing.
   */
  write(start: number, end: number, offer: Offer): void {
    let from = start;
    while (from < end) {
      const stretch = this.stretchAt(from);
      if (end < stretch.end) {
        this.writePiece(stretch, from, end, offer);
        return;
      }
      const midnight = this.endOfDate(stretch, end);
      // The marketplace rejects an entry that extends beyond its day, and 00:00 counts as the next day. Contract: replaceSlots.
      const until = midnight === undefined ? end : midnight - MINUTE;
      this.writePiece(stretch, from, until, offer);
      from = midnight ?? end;
    }
  }

  private stretchAt(ms: number): Stretch {
    if (ms < this.stretch.start || ms >= this.stretch.end) this.stretch = this.zone.stretchAt(ms);
    return this.stretch;
  }

  /** Returns the instant at which the local date of a stretch ends, or undefined if that is after `end`. */
  private endOfDate(stretch: Stretch, end: number): number | undefined {
    for (let last = stretch; last.end <= end; ) {
      const next = this.zone.stretchAt(last.end);
      if (next.day !== stretch.day) return last.end;
      last = next;
    }
    return undefined;
  }

  private writePiece(stretch: Stretch, from: number, until: number, offer: Offer): void {
    const end = Math.floor(until / MINUTE) * MINUTE;
    const start = this.alignToGrid(Math.ceil(from / MINUTE) * MINUTE, end);
    const minutes = (end - start) / MINUTE;
    if (minutes < offer.shortest) return;
    const address_services =
      minutes < offer.longest ? filterFitting(offer.services, minutes) : offer.services;
    const slot = {
      start: isoOfMinute(this.stretchAt(start), start),
      end: isoOfMinute(this.stretchAt(end), end),
      address_services,
    };
    this.days[stretch.day - this.first]?.slots.push(
      offer.terms === undefined ? slot : { ...slot, ...offer.terms },
    );
  }

  /**
   * Returns the first instant at or after `from`, a whole minute, at which the wall clock is a multiple of the grid, at
   * most `end`.
   */
  private alignToGrid(from: number, end: number): number {
    if (this.grid === 1) return from;
    for (let ms = from; ms < end; ) {
      const stretch = this.stretchAt(ms);
      const remainder = ((ms - stretch.midnight) / MINUTE) % this.grid;
      if (remainder === 0) return ms;
      ms = Math.min(ms + (this.grid - remainder) * MINUTE, stretch.end);
    }
    return end;
  }
}

function filterFitting(services: readonly AddressService[], minutes: number): readonly AddressService[] {
  return services.filter(({ duration }) => duration <= minutes);
}
