// The marketplace's state: who and what exists, a calendar for every address that was touched, and what there is to tell.
// It lives in memory.
import { type AddressRef, addressKey } from '../address.js';
import { Directory } from '../directory.js';
import { toldAddress } from '../notification-bodies.js';
import type { KnownAddress, KnownClient, KnownEstate, KnownService } from '../seed.js';
import { writtenDoctor, writtenFacility } from '../serialize.js';
import { zoneNamed } from '../zone.js';
import { Calendar } from './calendar.js';
import { DuplicateGuard } from './duplicates.js';
import type { News, Notification, Told } from './notifications.js';
import type { Terms } from './starts.js';

export interface MarketOptions {
  readonly estate: KnownEstate | undefined;
  readonly clients: readonly KnownClient[] | undefined;
  readonly timeZone: string;
  /** Whether the integration's visits are as long as it asks for. */
  readonly askedDurations: boolean;
  /** Whether a booking that moves keeps its comment. */
  readonly keptComments: boolean;
  /** Whether the integration's own bookings and breaks come back as notifications. */
  readonly echoes: boolean;
  /** Whether the duplicate rule holds. */
  readonly duplicates: boolean;
  /** How long ago the state is that readings of slots show; milliseconds. */
  readonly readLagMs: number;
  /** Takes what there is to tell. */
  readonly onTold: (told: Told) => void;
}

export class Market {
  readonly duplicates: DuplicateGuard;
  readonly #options: MarketOptions;
  readonly #calendars = new Map<string, Calendar>();
  /** By the id of a booking or break, the calendar it is in. */
  readonly #homes = new Map<string, Calendar>();
  readonly #terms = new Map<string, Terms>();
  #directory: Directory;
  #lastId = 0;
  readLagMs: number;

  constructor(options: MarketOptions) {
    this.#options = options;
    this.duplicates = new DuplicateGuard(options.duplicates);
    this.#directory = new Directory(options.estate, options.clients);
    this.readLagMs = options.readLagMs;
  }

  get askedDurations(): boolean {
    return this.#options.askedDurations;
  }

  get keptComments(): boolean {
    return this.#options.keptComments;
  }

  get directory(): Directory {
    return this.#directory;
  }

  get calendars(): readonly Calendar[] {
    return [...this.#calendars.values()];
  }

  /** Undefined where no such address exists. */
  calendar(ref: AddressRef): Calendar | undefined {
    const address = this.#directory.find(ref)?.address;
    if (address === undefined) return undefined;
    const key = addressKey(ref);
    const before = this.#calendars.get(key);
    if (before !== undefined) return before;
    const zone = zoneNamed(address.timeZone ?? this.#options.timeZone);
    const calendar = new Calendar(ref, zone, address.calendar ?? 'enabled', {
      paymentAccount: () => this.#directory.find(ref)?.address.paymentAccount,
      cutting: () => this.#directory.find(ref)?.address.cutting ?? 'duration',
      readLagMs: () => this.readLagMs,
    });
    this.#calendars.set(key, calendar);
    return calendar;
  }

  /** Of one that is gone only the id is known. */
  service(calendar: Calendar, id: string): KnownService {
    const address = this.#directory.find(calendar.ref)?.address;
    return (address && this.#directory.service(address, id)) ?? { id };
  }

  /** An id for a new booking or break. Given out in order, so that a run can be repeated. */
  newId(home: Calendar): string {
    const id = String(++this.#lastId);
    this.#homes.set(id, home);
    return id;
  }

  /** Of a service that the address has not had. */
  newServiceId({ services }: Pick<KnownAddress, 'services'>): string {
    const id = String(++this.#lastId);
    return services.some((service) => service.id === id) ? this.newServiceId({ services }) : id;
  }

  homeOf(id: string): Calendar | undefined {
    return this.#homes.get(id);
  }

  /** Tells every client that may act for the address; what the integration did itself is an echo. */
  tell(calendar: Calendar, news: News, now: number): void {
    if (news.by === 'integration' && !this.#options.echoes) return;
    const told = this.write(calendar, news, now);
    if (told !== undefined) this.#options.onTold(told);
  }

  /** What there would be to tell, and whom; undefined where the address is gone. */
  write(calendar: Calendar, { name, by, about, bookingId }: News, now: number): Told | undefined {
    const place = this.#directory.find(calendar.ref);
    if (place === undefined) return undefined;
    const { facility, doctor, address } = place;
    const notification: Notification = {
      name,
      data: {
        facility: writtenFacility(facility),
        doctor: writtenDoctor(doctor),
        address: toldAddress(address),
        ...about,
      },
      created_at: calendar.zone.format(now),
    };
    return { notification, by, bookingId, audience: this.#directory.audience(facility.id, address), at: now };
  }

  /**
   * What exists changes. Calendars of addresses that stay keep what they hold, less the services that are gone; one that is
   * now in another zone begins anew.
   */
  settle(estate: KnownEstate | undefined, clients: readonly KnownClient[] | undefined, now: number): void {
    this.#directory = new Directory(estate, clients);
    for (const [key, calendar] of this.#calendars) {
      const address = this.#directory.find(calendar.ref)?.address;
      if (address === undefined) continue;
      if ((address.timeZone ?? this.#options.timeZone) !== calendar.zone.name) this.#calendars.delete(key);
      else {
        calendar.remember(now);
        calendar.schedule.keepServices((id) => this.#directory.service(address, id) !== undefined);
      }
    }
  }

  /** One object for equal terms, because thousands of work periods share a few. */
  shareTerms(terms: Terms): Terms {
    const key = JSON.stringify(terms);
    const shared = this.#terms.get(key) ?? terms;
    this.#terms.set(key, shared);
    return shared;
  }

  /** Forgets everything that happened; what exists stays. */
  clear(): void {
    this.duplicates.clear();
    this.#calendars.clear();
    this.#homes.clear();
    this.#terms.clear();
    this.#lastId = 0;
  }
}
