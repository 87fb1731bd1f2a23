// The work periods of one calendar, by local date. replaceSlots overrides the dates it names, deleteSlots clears one.
import type { LocalZone } from '../zone.js';
import { type Interval, overlaps, type Terms, type WorkPeriod } from './starts.js';

/** What one replaceSlots request says, read and checked. */
export interface Replacement {
  readonly offered: readonly WorkPeriod[];
  /** Ranges sent without services: their slots are removed. */
  readonly removed: readonly Interval[];
}

export class Schedule {
  readonly #days = new Map<string, readonly WorkPeriod[]>();
  readonly #zone: LocalZone;

  constructor(zone: LocalZone) {
    this.#zone = zone;
  }

  /**
   * A date with an offered period is replaced whole; then the removed ranges are taken out of whatever stands. A date named
   * only by a removed range so keeps the rest of its periods. Nothing offered and nothing removed changes nothing.
   */
  replace({ offered, removed }: Replacement): void {
    const byDate = new Map<string, WorkPeriod[]>();
    for (const period of offered) {
      const date = this.#zone.dateOf(period.start);
      const day = byDate.get(date);
      if (day === undefined) byDate.set(date, [period]);
      else day.push(period);
    }
    for (const [date, periods] of byDate)
      this.#put(
        date,
        periods.sort((a, b) => a.start - b.start),
      );
    for (const range of removed) {
      const date = this.#zone.dateOf(range.start);
      this.#put(
        date,
        (this.#days.get(date) ?? []).flatMap((period) => without(period, range)),
      );
    }
  }

  /** As it stands now. */
  copy(): Schedule {
    const copy = new Schedule(this.#zone);
    for (const [date, periods] of this.#days) copy.#days.set(date, periods);
    return copy;
  }

  clear(date: string): boolean {
    return this.#days.delete(date);
  }

  /** The periods that touch the range, whole, ascending. */
  between(range: Interval): readonly WorkPeriod[] {
    const first = this.#zone.dateOf(range.start);
    const last = this.#zone.dateOf(range.end);
    return [...this.#days.keys()]
      .filter((date) => date >= first && date <= last)
      .sort()
      .flatMap((date) => (this.#days.get(date) ?? []).filter((period) => overlaps(period, range)));
  }

  /** Periods lose the services that are gone, and go with their last one. */
  keepServices(exists: (id: string) => boolean): void {
    for (const [date, periods] of this.#days) {
      if (periods.every(({ terms }) => terms.services.every(({ id }) => exists(id)))) continue;
      const left = periods.map((period) => ({ ...period, terms: termsWith(period.terms, exists) }));
      this.#put(
        date,
        left.filter(({ terms }) => terms.services.length > 0),
      );
    }
  }

  #put(date: string, periods: readonly WorkPeriod[]): void {
    if (periods.length === 0) this.#days.delete(date);
    // A copy is exactly as large as it must be, which counts for thousands of calendars.
    else this.#days.set(date, periods.slice());
  }
}

function without(period: WorkPeriod, range: Interval): readonly WorkPeriod[] {
  if (!overlaps(period, range)) return [period];
  const left = { ...period, end: range.start };
  const right = { ...period, start: range.end };
  return [left, right].filter((part) => part.start < part.end);
}

function termsWith(terms: Terms, exists: (id: string) => boolean): Terms {
  return { ...terms, services: terms.services.filter(({ id }) => exists(id)) };
}
