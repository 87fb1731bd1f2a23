// The client of the marketplace's API: one method for each operation of docs/contract.md that Slotkeeper uses.

import { z } from 'zod';
import { type AddressKey, addressPath, type DoctorKey, doctorPath, segment } from './address.js';
import { Api, type ApiOptions } from './api.js';
import { buildBookingsQuery, buildScopeQuery, readAllBookings } from './bookings.js';
import { InvalidRequestError } from './errors/invalid-request-error.js';
import { NotFoundError } from './errors/not-found-error.js';
import type { RequestGate } from './gate.js';
import { findInsuranceProblems, toWireSlot } from './insurance.js';
import { type Notification, parseNotification } from './notifications.js';
import type {
  AddCalendarBreakRequest,
  AddressScope,
  BookingScope,
  BookSlotRequest,
  ConfirmedBy,
  MoveBookingRequest,
  OneBookingScope,
  WireSlot,
} from './requests.js';
import * as wire from './wire.js';

export interface DocplannerClientOptions extends ApiOptions {
  /** Moves bookings by the founding page's path, `POST {A}/bookings/{id}`, for accounts that require it. */
  readonly foundingMovePath?: boolean | undefined;
  /** Called for answers with items that cannot be parsed, which are skipped. */
  readonly onUnreadable?:
    | ((operation: string, unreadable: readonly wire.UnreadableItem[]) => void)
    | undefined;
}

/** The pulled notifications, each returned once, and how many more are queued. */
export interface PulledNotifications {
  readonly notifications: readonly Notification[];
  readonly remaining: number;
}

const pulled = z.object({ notifications: z.array(z.unknown()), remaining: z.unknown().optional() });

/**
 * One API client of the marketplace. It does not retry, limit or order requests; its callers do. Every method throws a subclass of
 * `DocplannerError`, and a `TypeError` for arguments that cannot be sent.
 *
 * `start`, `end`, `since` and `till` are ISO 8601 instants with seconds and a colon offset; dates are `YYYY-MM-DD`.
 */
export class DocplannerClient {
  readonly #options: DocplannerClientOptions;
  readonly #api: Api;
  readonly #foundingMovePath: boolean;

  constructor(options: DocplannerClientOptions, api: Api = new Api(options)) {
    this.#options = options;
    this.#api = api;
    this.#foundingMovePath = options.foundingMovePath ?? false;
  }

  /** Returns a client with another gate that shares the token and the connections: for work of another priority. */
  withGate(gate: RequestGate): DocplannerClient {
    return new DocplannerClient(this.#options, this.#api.withGate(gate));
  }

  /**
   * Contract: replaceSlots. A 201 does not prove that the slots were applied: a duplicate is answered 201 and ignored.
   * @throws InvalidRequestError that names the entries, before sending, for insurance ids that are not whole numbers
   */
  async replaceSlots(address: AddressKey, slots: readonly WireSlot[], signal?: AbortSignal): Promise<void> {
    if (slots.length === 0) throw new TypeError('slots: an empty list clears nothing; use deleteSlots');
    const call = { operation: 'replaceSlots', method: 'PUT', path: addressPath(address, 'slots') } as const;
    const errors = findInsuranceProblems(slots);
    if (errors !== undefined) throw new InvalidRequestError(this.#api.context(call), { errors });
    await this.#api.send({ ...call, body: { slots: slots.map(toWireSlot) }, signal });
  }

  /** Removes all slots of one local date. */
  async deleteSlots(address: AddressKey, date: string, signal?: AbortSignal): Promise<void> {
    const path = addressPath(address, `slots/${segment('date', date)}`);
    await this.#api.send({ operation: 'deleteSlots', method: 'DELETE', path, signal });
  }

  /** The free starts from `start` to `end`, at most 180 days apart; empty for a 404. */
  async getSlots(
    address: AddressKey,
    start: string,
    end: string,
    signal?: AbortSignal,
  ): Promise<wire.BookableStart[]> {
    const path = addressPath(address, 'slots');
    const query = { start, end, with: 'slot.services' };
    const call = { operation: 'getSlots', method: 'GET', path, query, signal } as const;
    return (
      (await undefinedIfNotFound(this.#api.read(call, wire.collection(wire.bookableStart))))?._items ?? []
    );
  }

  /** Books the slot that begins at `start`. An error never contains patient data. */
  async bookSlot(
    address: AddressKey,
    start: string,
    request: BookSlotRequest,
    signal?: AbortSignal,
  ): Promise<wire.Booking> {
    const path = addressPath(address, `slots/${segment('start', start)}/book`);
    const { patient, comment = '', label = '' } = request;
    const hide = [...Object.values(patient), comment, label].filter((value) => typeof value === 'string');
    return this.#api.read(
      { operation: 'bookSlot', method: 'POST', path, body: request, hide, signal },
      wire.booking,
    );
  }

  /**
   * All bookings that start from `start` to `end`. The answer contains patients only with the scope `patient`.
   * @throws UnexpectedAnswerError when any booking cannot be parsed
   */
  async getBookings(
    address: AddressKey,
    start: string,
    end: string,
    scopes: readonly BookingScope[] = ['address_service'],
    signal?: AbortSignal,
  ): Promise<wire.Booking[]> {
    const path = addressPath(address, 'bookings');
    const call = { operation: 'getBookings', method: 'GET', path, signal } as const;
    const { items } = await readAllBookings(async (page) => {
      const query = buildBookingsQuery(start, end, scopes, page);
      const { _items, pages } = await this.#api.read({ ...call, query }, wire.paged(wire.booking));
      return { items: _items, unreadable: [], pages };
    });
    return [...items];
  }

  /** As `getBookings`, but bookings that cannot be parsed are listed separately. */
  async listBookings(
    address: AddressKey,
    start: string,
    end: string,
    scopes: readonly BookingScope[] = ['address_service'],
    signal?: AbortSignal,
  ): Promise<wire.Listed<wire.Booking>> {
    const path = addressPath(address, 'bookings');
    const call = { operation: 'getBookings', method: 'GET', path, signal } as const;
    const all = await readAllBookings(async (page) => {
      const query = buildBookingsQuery(start, end, scopes, page);
      const { _items, pages } = await this.#api.read({ ...call, query }, wire.paged(z.unknown()));
      return { ...wire.parseListed(_items, wire.booking), pages };
    });
    return this.#reportUnreadable(call.operation, all);
  }

  /** The booking; undefined for a 404, `unreadable` when it exists but cannot be parsed. */
  async findBooking(
    address: AddressKey,
    bookingId: string,
    scopes: readonly OneBookingScope[] = [],
    signal?: AbortSignal,
  ): Promise<wire.Booking | 'unreadable' | undefined> {
    const path = bookingPath(address, bookingId);
    const query = buildScopeQuery('booking', scopes);
    const call = { operation: 'getBooking', method: 'GET', path, query, signal } as const;
    const raw = await undefinedIfNotFound(this.#api.read(call, z.unknown()));
    if (raw === undefined) return undefined;
    const { items, unreadable } = wire.parseListed([raw], wire.booking);
    this.#reportUnreadable(call.operation, { items, unreadable });
    return items[0] ?? 'unreadable';
  }

  async getBooking(
    address: AddressKey,
    bookingId: string,
    scopes: readonly OneBookingScope[] = [],
    signal?: AbortSignal,
  ): Promise<wire.Booking> {
    const path = bookingPath(address, bookingId);
    const query = buildScopeQuery('booking', scopes);
    return this.#api.read({ operation: 'getBooking', method: 'GET', path, query, signal }, wire.booking);
  }

  async cancelBooking(
    address: AddressKey,
    bookingId: string,
    reason?: string,
    signal?: AbortSignal,
  ): Promise<void> {
    const path = bookingPath(address, bookingId);
    const content = reason === undefined ? {} : { body: { reason }, hide: [reason] };
    await this.#api.send({ operation: 'cancelBooking', method: 'DELETE', path, ...content, signal });
  }

  /** Returns the booking at its new time, which has a new id. */
  async moveBooking(
    address: AddressKey,
    bookingId: string,
    request: MoveBookingRequest,
    signal?: AbortSignal,
  ): Promise<wire.Booking> {
    const path = `${bookingPath(address, bookingId)}${this.#foundingMovePath ? '' : '/move'}`;
    return this.#api.read(
      { operation: 'moveBooking', method: 'POST', path, body: request, signal },
      wire.booking,
    );
  }

  async confirmBooking(
    address: AddressKey,
    bookingId: string,
    confirmedBy: ConfirmedBy,
    signal?: AbortSignal,
  ): Promise<void> {
    const path = `${bookingPath(address, bookingId)}/confirm`;
    const body = { confirmed_by: confirmedBy };
    await this.#api.send({ operation: 'confirmBooking', method: 'PUT', path, body, signal });
  }

  /** `none` for a 404, which can also mean that the address does not exist. */
  async getCalendar(address: AddressKey, signal?: AbortSignal): Promise<wire.CalendarStatus> {
    const path = addressPath(address, 'calendar');
    const call = { operation: 'getCalendar', method: 'GET', path, signal } as const;
    return (await undefinedIfNotFound(this.#api.read(call, wire.calendar))) ?? { status: 'none' };
  }

  /** @throws ConflictError when the calendar is already enabled */
  async enableCalendar(address: AddressKey, signal?: AbortSignal): Promise<void> {
    const path = addressPath(address, 'calendar/enable');
    await this.#api.send({ operation: 'enableCalendar', method: 'POST', path, signal });
  }

  /** @throws ConflictError when the calendar is already disabled */
  async disableCalendar(address: AddressKey, signal?: AbortSignal): Promise<void> {
    const path = addressPath(address, 'calendar/disable');
    await this.#api.send({ operation: 'disableCalendar', method: 'POST', path, signal });
  }

  /**
   * Empty where the address has no calendar (404).
   * @throws UnexpectedAnswerError when any break cannot be parsed
   */
  async getCalendarBreaks(
    address: AddressKey,
    since: string,
    till: string,
    signal?: AbortSignal,
  ): Promise<wire.CalendarBreak[]> {
    const call = breaksCall(address, since, till, signal);
    return (
      (await undefinedIfNotFound(this.#api.read(call, wire.collection(wire.calendarBreak))))?._items ?? []
    );
  }

  /** As `getCalendarBreaks`, but breaks that cannot be parsed are listed separately. */
  async listCalendarBreaks(
    address: AddressKey,
    since: string,
    till: string,
    signal?: AbortSignal,
  ): Promise<wire.Listed<wire.CalendarBreak>> {
    const call = breaksCall(address, since, till, signal);
    const all = await undefinedIfNotFound(this.#api.read(call, wire.collection(z.unknown())));
    return this.#reportUnreadable(call.operation, wire.parseListed(all?._items ?? [], wire.calendarBreak));
  }

  /** @throws ConflictError when a break with the same range and description exists */
  async addCalendarBreak(
    address: AddressKey,
    request: AddCalendarBreakRequest,
    signal?: AbortSignal,
  ): Promise<wire.CalendarBreak> {
    const path = addressPath(address, 'breaks');
    const hide = [request.description ?? ''];
    const call = {
      operation: 'addCalendarBreak',
      method: 'POST',
      path,
      body: request,
      hide,
      signal,
    } as const;
    return this.#api.read(call, wire.calendarBreak);
  }

  async moveCalendarBreak(
    address: AddressKey,
    breakId: string,
    range: { readonly since: string; readonly till: string },
    signal?: AbortSignal,
  ): Promise<void> {
    const path = addressPath(address, `breaks/${segment('breakId', breakId)}`);
    const body = { since: range.since, till: range.till };
    await this.#api.send({ operation: 'moveCalendarBreak', method: 'PATCH', path, body, signal });
  }

  async deleteCalendarBreak(address: AddressKey, breakId: string, signal?: AbortSignal): Promise<void> {
    const path = addressPath(address, `breaks/${segment('breakId', breakId)}`);
    await this.#api.send({ operation: 'deleteCalendarBreak', method: 'DELETE', path, signal });
  }

  /** All facilities of the client. */
  async getFacilities(signal?: AbortSignal): Promise<wire.Facility[]> {
    return await this.#list('getFacilities', '/facilities', {}, wire.facility, signal);
  }

  async getFacility(facilityId: string, signal?: AbortSignal): Promise<wire.Facility> {
    const path = `/facilities/${segment('facilityId', facilityId)}`;
    return await this.#api.read({ operation: 'getFacility', method: 'GET', path, signal }, wire.facility);
  }

  async getDoctors(facilityId: string, signal?: AbortSignal): Promise<wire.Doctor[]> {
    const path = `/facilities/${segment('facilityId', facilityId)}/doctors`;
    return await this.#list('getDoctors', path, {}, wire.doctor, signal);
  }

  async getDoctor(doctor: DoctorKey, signal?: AbortSignal): Promise<wire.Doctor> {
    const path = doctorPath(doctor);
    return await this.#api.read({ operation: 'getDoctor', method: 'GET', path, signal }, wire.doctor);
  }

  async getAddresses(
    doctor: DoctorKey,
    scopes: readonly AddressScope[] = [],
    signal?: AbortSignal,
  ): Promise<wire.Address[]> {
    const query = buildScopeQuery('address', scopes);
    return await this.#list('getAddresses', `${doctorPath(doctor)}/addresses`, query, wire.address, signal);
  }

  async getAddress(
    address: AddressKey,
    scopes: readonly AddressScope[] = [],
    signal?: AbortSignal,
  ): Promise<wire.Address> {
    const [path, query] = [addressPath(address), buildScopeQuery('address', scopes)];
    return await this.#api.read(
      { operation: 'getAddress', method: 'GET', path, query, signal },
      wire.address,
    );
  }

  /** The dictionary of services, or the part of it for one specialization. */
  async getServices(specializationId?: string, signal?: AbortSignal): Promise<wire.DictionaryService[]> {
    const query = specializationId === undefined ? {} : { specialization_id: specializationId };
    return await this.#list('getServices', '/services', query, wire.dictionaryService, signal);
  }

  /** The insurance providers of the marketplace. */
  async getInsuranceProviders(signal?: AbortSignal): Promise<wire.InsuranceProvider[]> {
    const path = '/insurance-providers';
    return await this.#list('getInsuranceProviders', path, {}, wire.insuranceProvider, signal);
  }

  async getInsurancePlans(providerId: string, signal?: AbortSignal): Promise<wire.InsurancePlan[]> {
    const path = `/insurance-providers/${segment('providerId', providerId)}/plans`;
    return await this.#list('getInsurancePlans', path, {}, wire.insurancePlan, signal);
  }

  /** The insurance providers that an address accepts, each with its accepted plans. */
  async getAddressInsuranceProviders(
    address: AddressKey,
    signal?: AbortSignal,
  ): Promise<wire.AddressInsuranceProvider[]> {
    const path = addressPath(address, 'insurance-providers');
    return await this.#list('getAddressInsuranceProviders', path, {}, wire.addressInsuranceProvider, signal);
  }

  /** With `start`, only the services offered on its date, each with its `duration` on that date. */
  async getAddressServices(
    address: AddressKey,
    start?: string,
    signal?: AbortSignal,
  ): Promise<wire.AddressService[]> {
    const path = addressPath(address, 'services');
    const query = start === undefined ? {} : { start };
    return await this.#list('getAddressServices', path, query, wire.listedService, signal);
  }

  /**
   * Up to `limit` (1 to 100) notifications, oldest first. Each is returned only once, so the caller must store them first. A
   * `ConnectionError` with `mayHaveApplied` can mean that the marketplace returned some that did not arrive.
   */
  async pullNotifications(limit: number, signal?: AbortSignal): Promise<PulledNotifications> {
    if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
      throw new TypeError(`limit: ${limit} is not a whole number from 1 to 100`);
    }
    const query = { limit: String(limit) };
    const call = {
      operation: 'pullNotifications',
      method: 'GET',
      path: '/notifications/multiple',
      query,
      signal,
    } as const;
    const answer = await undefinedIfNotFound(this.#api.read(call, pulled));
    if (answer === undefined) return { notifications: [], remaining: 0 };
    const { notifications, remaining } = answer;
    // Without `remaining` in the answer, a full batch may not be the last.
    const more = typeof remaining === 'number' ? remaining : notifications.length === limit ? 1 : 0;
    return { notifications: notifications.map(parseNotification), remaining: more };
  }

  /**
   * Requests that failed pushes are sent again.
   * @throws RateLimitedError with `retryAfterMs`, for a second call within an hour
   */
  async release(signal?: AbortSignal): Promise<void> {
    const path = '/notifications/release';
    await this.#api.send({ operation: 'release', method: 'POST', path, ownLimit: true, signal });
  }

  async #list<Item extends z.ZodType>(
    operation: string,
    path: string,
    query: Readonly<Record<string, string>>,
    item: Item,
    signal: AbortSignal | undefined,
  ): Promise<z.output<Item>[]> {
    const call = { operation, method: 'GET', path, query, signal } as const;
    return (await this.#api.read(call, wire.collection(item)))._items;
  }

  #reportUnreadable<Item>(operation: string, all: wire.Listed<Item>): wire.Listed<Item> {
    if (all.unreadable.length > 0) this.#options.onUnreadable?.(operation, all.unreadable);
    return all;
  }

  /** Idempotent. Refuses new requests, waits for active ones and closes the connections. */
  async close(): Promise<void> {
    await this.#api.close();
  }
}

/** Resolves with undefined for a 404. */
async function undefinedIfNotFound<Found>(request: Promise<Found>): Promise<Found | undefined> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

function breaksCall(address: AddressKey, since: string, till: string, signal: AbortSignal | undefined) {
  const path = addressPath(address, 'breaks');
  return { operation: 'getCalendarBreaks', method: 'GET', path, query: { since, till }, signal } as const;
}

function bookingPath(address: AddressKey, bookingId: string): string {
  return addressPath(address, `bookings/${segment('bookingId', bookingId)}`);
}
