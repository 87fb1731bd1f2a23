// The marketplace's in-memory state: the directory of what exists, and a calendar for every address that was used. It builds the
// notifications of changes.
import { type AddressRef, addressKey } from '../address.js';
import { Directory } from '../directory.js';
import { buildNotifiedAddress } from '../notification-bodies.js';
import type { ParsedAddress, ParsedClient, ParsedEstate, ParsedService } from '../seed.js';
import { serializeDoctor, serializeFacility } from '../serialize.js';
import { getZone } from '../zone.js';
import { Calendar } from './calendar.js';
import { DuplicateGuard } from './duplicates.js';
import type { MarketChange, Notification, OutgoingNotification } from './notifications.js';
import type { PeriodTerms } from './starts.js';

export interface MarketOptions {
  readonly estate: ParsedEstate | undefined;
  readonly clients: readonly ParsedClient[] | undefined;
  readonly timeZone: string;
  /** Whether bookings of the integration have the requested duration. */
  readonly askedDurations: boolean;
  /** Whether a moved booking retains its comment. */
  readonly keptComments: boolean;
  /** Whether the integration's own bookings and breaks are sent back as notifications. */
  readonly echoes: boolean;
  /** Whether the duplicate rule applies. */
  readonly duplicates: boolean;
  /** How far reads of slots lag behind the current state; milliseconds. */
  readonly readLagMs: number;
  /** Receives every notification to deliver. */
  readonly onNotification: (notification: OutgoingNotification) => void;
}

export class Market {
  readonly duplicates: DuplicateGuard;
  readonly #options: MarketOptions;
  readonly #calendars = new Map<string, Calendar>();
  /** The calendar of a booking or break, by its id. */
  readonly #calendarsById = new Map<string, Calendar>();
  readonly #terms = new Map<string, PeriodTerms>();
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

  /** Creates the calendar on first use. Undefined where the address does not exist. */
  resolveCalendar(ref: AddressRef): Calendar | undefined {
    const address = this.#directory.resolve(ref)?.address;
    if (address === undefined) return undefined;
    const key = addressKey(ref);
    const existing = this.#calendars.get(key);
    if (existing !== undefined) return existing;
    const zone = getZone(address.timeZone ?? this.#options.timeZone);
    const calendar = new Calendar(ref, zone, address.calendar ?? 'enabled', {
      paymentAccount: () => this.#directory.resolve(ref)?.address.paymentAccount,
      cutting: () => this.#directory.resolve(ref)?.address.cutting ?? 'duration',
      readLagMs: () => this.readLagMs,
    });
    this.#calendars.set(key, calendar);
    return calendar;
  }

  /** For a service that does not exist anymore the result has only its id. */
  findService(calendar: Calendar, id: string): ParsedService {
    const address = this.#directory.resolve(calendar.ref)?.address;
    return (address && this.#directory.findService(address, id)) ?? { id };
  }

  /** A new id for a booking or break of the calendar. Ids are sequential, so that a run is reproducible. */
  createId(calendar: Calendar): string {
    const id = String(++this.#lastId);
    this.#calendarsById.set(id, calendar);
    return id;
  }

  /** A new id for a service of the address. */
  createServiceId({ services }: Pick<ParsedAddress, 'services'>): string {
    const id = String(++this.#lastId);
    return services.some((service) => service.id === id) ? this.createServiceId({ services }) : id;
  }

  findCalendarOf(id: string): Calendar | undefined {
    return this.#calendarsById.get(id);
  }

  /** Notifies every client with access to the address. A change by the integration is an echo, which can be switched off. */
  notify(calendar: Calendar, change: MarketChange, now: number): void {
    if (change.by === 'integration' && !this.#options.echoes) return;
    const notification = this.buildNotification(calendar, change, now);
    if (notification !== undefined) this.#options.onNotification(notification);
  }

  /** The notification of a change and its clients; undefined where the address does not exist. */
  buildNotification(
    calendar: Calendar,
    { name, by, data, bookingId }: MarketChange,
    now: number,
  ): OutgoingNotification | undefined {
    const found = this.#directory.resolve(calendar.ref);
    if (found === undefined) return undefined;
    const { facility, doctor, address } = found;
    const notification: Notification = {
      name,
      data: {
        facility: serializeFacility(facility),
        doctor: serializeDoctor(doctor),
        address: buildNotifiedAddress(address),
        ...data,
      },
      created_at: calendar.zone.format(now),
    };
    return {
      notification,
      by,
      bookingId,
      clients: this.#directory.listNotifiedClients(facility.id, address),
      at: now,
    };
  }

  /**
   * Replaces the estate and the clients. Calendars of remaining addresses retain their state, except services that were removed. A
   * calendar whose address has another zone now is reset.
   */
  replaceEstate(
    estate: ParsedEstate | undefined,
    clients: readonly ParsedClient[] | undefined,
    now: number,
  ): void {
    this.#directory = new Directory(estate, clients);
    for (const [key, calendar] of this.#calendars) {
      const address = this.#directory.resolve(calendar.ref)?.address;
      if (address === undefined) continue;
      if ((address.timeZone ?? this.#options.timeZone) !== calendar.zone.name) this.#calendars.delete(key);
      else {
        calendar.saveState(now);
        calendar.schedule.removeServicesExcept(
          (id) => this.#directory.findService(address, id) !== undefined,
        );
      }
    }
  }

  /** Returns one shared object for equal terms, which saves memory: thousands of work periods have few different terms. */
  internTerms(terms: PeriodTerms): PeriodTerms {
    const key = JSON.stringify(terms);
    const shared = this.#terms.get(key) ?? terms;
    this.#terms.set(key, shared);
    return shared;
  }

  /** Deletes all calendars, bookings and breaks; the estate and the clients are retained. */
  clear(): void {
    this.duplicates.clear();
    this.#calendars.clear();
    this.#calendarsById.clear();
    this.#terms.clear();
    this.#lastId = 0;
  }
}
