// The work periods of one calendar, by local date. replaceSlots replaces the dates that it names, deleteSlots clears one date.
import type { LocalZone } from '../zone.js';
import { type Interval, overlaps, type PeriodTerms, type WorkPeriod } from './starts.js';

/** The parsed and validated body of replaceSlots. */
export interface Replacement {
  readonly offered: readonly WorkPeriod[];
  /** Ranges without services, whose slots are removed. */
  readonly removed: readonly Interval[];
}

export class Schedule {
  readonly #days = new Map<string, readonly WorkPeriod[]>();
  readonly #zone: LocalZone;

  constructor(zone: LocalZone) {
    this.#zone = zone;
  }

  /**
   * Replaces each date with an offered period as a whole, then subtracts the removed ranges from the current periods. A date that
   * only a removed range names retains the rest of its periods. An empty replacement changes nothing.
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
        (this.#days.get(date) ?? []).flatMap((period) => subtractRange(period, range)),
      );
    }
  }

  /** A snapshot of the current periods. */
  copy(): Schedule {
    const copy = new Schedule(this.#zone);
    for (const [date, periods] of this.#days) copy.#days.set(date, periods);
    return copy;
  }

  clear(date: string): boolean {
    return this.#days.delete(date);
  }

  /** The periods that overlap the range, not clipped to it, ascending. */
  periodsIn(range: Interval): readonly WorkPeriod[] {
    const first = this.#zone.dateOf(range.start);
    const last = this.#zone.dateOf(range.end);
    return [...this.#days.keys()]
      .filter((date) => date >= first && date <= last)
      .sort()
      .flatMap((date) => (this.#days.get(date) ?? []).filter((period) => overlaps(period, range)));
  }

  /** Removes the services that do not exist from all periods, and periods without services. */
  removeServicesExcept(exists: (id: string) => boolean): void {
    for (const [date, periods] of this.#days) {
      if (periods.every(({ terms }) => terms.services.every(({ id }) => exists(id)))) continue;
      const left = periods.map((period) => ({ ...period, terms: filterServices(period.terms, exists) }));
      this.#put(
        date,
        left.filter(({ terms }) => terms.services.length > 0),
      );
    }
  }

  #put(date: string, periods: readonly WorkPeriod[]): void {
    if (periods.length === 0) this.#days.delete(date);
    // A copy has no spare capacity, which saves memory with thousands of calendars.
    else this.#days.set(date, periods.slice());
  }
}

function subtractRange(period: WorkPeriod, range: Interval): readonly WorkPeriod[] {
  if (!overlaps(period, range)) return [period];
  const left = { ...period, end: range.start };
  const right = { ...period, start: range.end };
  return [left, right].filter((part) => part.start < part.end);
}

function filterServices(terms: PeriodTerms, exists: (id: string) => boolean): PeriodTerms {
  return { ...terms, services: terms.services.filter(({ id }) => exists(id)) };
}
