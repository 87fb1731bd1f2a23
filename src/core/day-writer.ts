/** Turns runs of availability into the slots of local dates: cuts, rounds, puts on the grid, drops what does not fit. */
import { dateText } from './calendar-date.js';
import { isoOfMinute } from './civil.js';
import { MINUTE } from './duration.js';
import type { Offer } from './offers.js';
import type { DayRange } from './read-range.js';
import type { AddressService, Day, Slot } from './types.js';
import type { Stretch, Zone } from './zone.js';

/** One for each computation. `private` and not `#`, which costs Node 20 a microsecond for each new object. */
export class DayWriter {
  readonly days: (Day & { readonly slots: Slot[] })[] = [];
  /** Nothing before this instant (epoch ms) belongs to any of the days, … */
  readonly start: number;
  /** … and nothing from this instant on. */
  readonly end: number;

  private readonly zone: Zone;
  private readonly first: number;
  private readonly grid: number;
  private stretch: Stretch;

  constructor(zone: Zone, range: DayRange, grid: number) {
    for (let day = range.first; day <= range.last; day++) {
      this.days.push({ date: dateText(day), slots: [] });
    }
    const any = this.days.length > 0;
    this.zone = zone;
    this.first = range.first;
    this.grid = grid;
    this.start = any ? zone.startOfDay(range.first) : 0;
    // A clock set back just after midnight shows the old date again, so the last date may outlast the next one's start.
    this.end = any ? zone.startOfDay(range.last + 2) : 0;
    this.stretch = zone.stretchAt(this.start);
  }

  /** Adds a run (epoch ms) over which the same is on offer; runs must come in order. An empty run adds nothing. */
  write(start: number, end: number, offer: Offer): void {
    let from = start;
    while (from < end) {
      const stretch = this.at(from);
      if (end < stretch.end) {
        this.writePiece(stretch, from, end, offer);
        return;
      }
      const midnight = this.endOfDate(stretch, end);
      // The marketplace refuses an entry that leaves its day, and to it 00:00 is the next day. Contract: replaceSlots.
      const until = midnight === undefined ? end : midnight - MINUTE;
      this.writePiece(stretch, from, until, offer);
      from = midnight ?? end;
    }
  }

  private at(ms: number): Stretch {
    if (ms < this.stretch.start || ms >= this.stretch.end) this.stretch = this.zone.stretchAt(ms);
    return this.stretch;
  }

  /** Where the local date of a stretch ends, if that is not after `end`. */
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
    const start = this.onGrid(Math.ceil(from / MINUTE) * MINUTE, end);
    const minutes = (end - start) / MINUTE;
    if (minutes < offer.shortest) return;
    const address_services =
      minutes < offer.longest ? filterFitting(offer.services, minutes) : offer.services;
    const slot = {
      start: isoOfMinute(this.at(start), start),
      end: isoOfMinute(this.at(end), end),
      address_services,
    };
    this.days[stretch.day - this.first]?.slots.push(
      offer.terms === undefined ? slot : { ...slot, ...offer.terms },
    );
  }

  /** The first instant from a whole minute on at which the wall clock shows a multiple of the grid; `end` at most. */
  private onGrid(from: number, end: number): number {
    if (this.grid === 1) return from;
    for (let ms = from; ms < end; ) {
      const stretch = this.at(ms);
      const over = ((ms - stretch.midnight) / MINUTE) % this.grid;
      if (over === 0) return ms;
      ms = Math.min(ms + (this.grid - over) * MINUTE, stretch.end);
    }
    return end;
  }
}

function filterFitting(services: readonly AddressService[], minutes: number): readonly AddressService[] {
  return services.filter(({ duration }) => duration <= minutes);
}
