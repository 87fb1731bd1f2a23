// The marketplace's state: who and what exists, and a calendar for every address that was touched. It lives in memory.
import { type AddressRef, addressKey } from '../address.js';
import { Directory } from '../directory.js';
import type { KnownClient, KnownEstate } from '../estate.js';
import { zoneNamed } from '../zone.js';
import { Calendar } from './calendar.js';
import { DuplicateGuard } from './duplicates.js';
import type { Terms } from './starts.js';

export interface MarketOptions {
  readonly estate: KnownEstate | undefined;
  readonly clients: readonly KnownClient[] | undefined;
  readonly timeZone: string;
}

export class Market {
  readonly duplicates = new DuplicateGuard();
  readonly #timeZone: string;
  readonly #calendars = new Map<string, Calendar>();
  readonly #terms = new Map<string, Terms>();
  #directory: Directory;
  #lastId = 0;

  constructor({ estate, clients, timeZone }: MarketOptions) {
    this.#directory = new Directory(estate, clients);
    this.#timeZone = timeZone;
  }

  get directory(): Directory {
    return this.#directory;
  }

  /** What exists changes; calendars whose address still exists in the same zone keep what they hold. */
  settle(estate: KnownEstate | undefined, clients: readonly KnownClient[] | undefined): void {
    this.#directory = new Directory(estate, clients);
    for (const [key, calendar] of this.#calendars) {
      const zone = this.#directory.find(calendar.ref)?.address.timeZone ?? this.#timeZone;
      if (zone !== calendar.zone.name) this.#calendars.delete(key);
    }
  }

  /** Undefined where no such address exists. */
  calendar(ref: AddressRef): Calendar | undefined {
    const key = addressKey(ref);
    const address = this.#directory.find(ref)?.address;
    if (address === undefined) return undefined;
    const before = this.#calendars.get(key);
    if (before !== undefined) return before;
    const zone = zoneNamed(address.timeZone ?? this.#timeZone);
    const calendar = new Calendar(ref, zone, address.calendar !== 'disabled');
    this.#calendars.set(key, calendar);
    return calendar;
  }

  get calendars(): readonly Calendar[] {
    return [...this.#calendars.values()];
  }

  /** Ids are given out in order, so that a run can be repeated. */
  nextId(): string {
    return String(++this.#lastId);
  }

  /** One object for equal terms, because thousands of work periods share a few. */
  shareTerms(terms: Terms): Terms {
    const key = JSON.stringify(terms);
    const shared = this.#terms.get(key) ?? terms;
    this.#terms.set(key, shared);
    return shared;
  }
}
