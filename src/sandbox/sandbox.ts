// A marketplace to develop against: the contract's behaviour over HTTP with in-memory state, and controls that inspect it, set
// its clock and inject faults. It shares no code with the marketplace client.
import { EventEmitter } from 'node:events';
import type { AddressRef } from './address.js';
import { assemble, type SandboxParts } from './assemble.js';
import type { SandboxClock } from './clock.js';
import { mountControlRoutes } from './control/routes.js';
import type { SandboxControls } from './controls.js';
import type { FaultInjector } from './fault-injector.js';
import { listen, type RunningServer } from './http/server.js';
import { type InstantLike, lagSchema, parseInput } from './input.js';
import type { CommercialType, NotifyOptions, ServiceChanges } from './market/addresses.js';
import type { PaymentStatus, Presence } from './market/booking.js';
import type { SandboxEvents, SandboxOptions } from './options.js';
import { type DeliveryFaults, deliveryFaultsSchema } from './push/delivery-faults.js';
import type { DeliveryRecord } from './push/delivery-log.js';
import type { RequestRecord } from './request-log.js';
import type { Client, Cutting, Estate, LimitChanges, Service } from './seed.js';
import type { BreakRange, Move, Person, SandboxBooking, SandboxBreak, Visit } from './simulated-people.js';
import {
  type ListedWorkPeriod,
  listPatientStarts,
  listWorkPeriods,
  type PatientStart,
  toRange,
} from './view.js';

export class Sandbox extends EventEmitter<SandboxEvents> implements SandboxControls {
  /** The clock follows `options.now` and can be set, advanced and stopped. */
  readonly clock: SandboxClock;
  /** Faults are deterministic by `options.seed`. */
  readonly faults: FaultInjector;
  readonly #parts: SandboxParts;
  #clients: readonly Client[] | undefined;
  #listening: Promise<RunningServer> | undefined;
  #url: string | undefined;

  /** @throws SandboxInputError for an invalid estate, client, limit or delivery fault */
  constructor(options: SandboxOptions = {}) {
    super();
    this.#clients = options.clients;
    this.#parts = assemble(options, {
      // A microtask isolates the request from a listener that throws.
      onRequest: (record) => queueMicrotask(() => this.emit('request', record)),
      onDelivery: (record) => queueMicrotask(() => this.emit('delivery', record)),
    });
    this.clock = this.#parts.clock;
    this.faults = this.#parts.faults;
  }

  /**
   * Resolves with the URL to use as an account's `baseUrl`. Rejects when the port is in use. A start after `stop` retains the
   * state.
   */
  async start({ port = 0, host = '127.0.0.1' }: { port?: number; host?: string } = {}): Promise<string> {
    this.#listening ??= listen(this.#parts, { port, host }, (app) => mountControlRoutes(app, this));
    const listening = this.#listening;
    try {
      const { url } = await listening;
      // `stop` can have been called in the meantime.
      if (this.#listening === listening) {
        this.#url = url;
        this.#parts.pushService.start();
      }
      return url;
    } catch (error) {
      this.#listening = undefined;
      throw error;
    }
  }

  /**
   * Idempotent. Cuts every connection, idle, slow or unanswered, in both directions. Interrupted pushes are sent after the next
   * start.
   */
  async stop(): Promise<void> {
    const listening = this.#listening;
    this.#listening = undefined;
    this.#url = undefined;
    await this.#parts.pushService.stop();
    await (await listening)?.close();
  }

  /** @throws Error while the sandbox is not started */
  get url(): string {
    if (this.#url === undefined) throw new Error('The sandbox is not started.');
    return this.#url;
  }

  /** The newest requests in order of arrival, without tokens and secrets. */
  get requests(): readonly RequestRecord[] {
    return this.#parts.requests.records;
  }

  /** The newest pushes and approval requests in the order of sending, without patient data. */
  get deliveries(): readonly DeliveryRecord[] {
    return this.#parts.pushService.deliveries;
  }

  /** The starts that a patient can book in a half-open range: not in the past, and free of bookings and breaks. */
  patientView(ref: AddressRef, from: InstantLike, to: InstantLike): readonly PatientStart[] {
    return listPatientStarts(this.#parts.people.calendar(ref), toRange(from, to), this.clock.now());
  }

  /** The current work periods that overlap the range, not clipped to it. */
  slots(ref: AddressRef, from: InstantLike, to: InstantLike): readonly ListedWorkPeriod[] {
    return listWorkPeriods(this.#parts.people.calendar(ref), toRange(from, to));
  }

  /** Without an estate every id exists on first use. Without `clients` the current clients are retained. */
  setEstate(estate: Estate | undefined, clients: readonly Client[] | undefined = this.#clients): void {
    this.#parts.setEstate(estate, clients);
    this.#clients = clients;
  }

  /** Limits that are left out keep their value. */
  setLimits(limits: LimitChanges): void {
    this.#parts.setLimits(limits);
  }

  /** getSlots answers from the state of `ms` milliseconds ago on the sandbox's clock. States from before the call are not recorded. */
  setReadLag(ms: number): void {
    this.#parts.market.readLagMs = parseInput(lagSchema, ms);
  }

  /** Repeats, reorders, delays or loses notifications from now on; `{}` ends all delivery faults. */
  setDelivery(faults: DeliveryFaults): void {
    this.#parts.pushService.setDeliveryFaults(parseInput(deliveryFaultsSchema, faults));
  }

  /** Revokes all tokens, or those of one client; a request with a revoked token is answered 401. */
  revokeTokens(client?: string): void {
    this.#parts.tokens.revoke(client);
  }

  /** Clears state, logs, faults and delivery faults, and lets the clock follow its source. Estate, clients and limits are retained. */
  reset(): void {
    this.#parts.pushService.clear();
    this.#parts.market.clear();
    this.#parts.limiter.clear();
    this.#parts.requests.clear();
    this.#parts.tokens.revoke();
    this.faults.clear();
    this.clock.reset();
  }

  /**
   * Books as a patient or as the doctor.
   * @throws SandboxRefusedError without a free start
   */
  book(ref: AddressRef, visit: Visit): SandboxBooking {
    return this.#parts.people.book(ref, visit);
  }

  /**
   * Books after every client with `asks` approved. A booking of a doctor needs no approval.
   * @throws SandboxRefusedError `denied` when a client denies, and when the start was booked in the meantime
   */
  bookAsking(ref: AddressRef, visit: Visit): Promise<SandboxBooking> {
    return this.#parts.people.bookAsking(ref, visit);
  }

  cancel(
    bookingId: string,
    how: { by?: Person | undefined; reason?: string | undefined } = {},
  ): SandboxBooking {
    return this.#parts.people.cancel(bookingId, how);
  }

  /** Returns the new booking, which has a new id. */
  move(bookingId: string, to: Move): SandboxBooking {
    return this.#parts.people.move(bookingId, to);
  }

  /** Moves after the same approval as {@link bookAsking}. */
  moveAsking(bookingId: string, to: Move): Promise<SandboxBooking> {
    return this.#parts.people.moveAsking(bookingId, to);
  }

  confirm(bookingId: string): SandboxBooking {
    return this.#parts.people.confirm(bookingId);
  }

  /** The doctor records whether the patient came. */
  markPresence(bookingId: string, presence: Presence): SandboxBooking {
    return this.#parts.people.markPresence(bookingId, presence);
  }

  /** The clinic cannot move a booking that is `paid` to an address of another payment account. */
  setPayment(bookingId: string, status: PaymentStatus): SandboxBooking {
    return this.#parts.people.setPayment(bookingId, status);
  }

  bookings(ref: AddressRef): readonly SandboxBooking[] {
    return this.#parts.people.bookings(ref);
  }

  /**
   * Adds a break as the doctor.
   * @throws SandboxRefusedError when the break exists or its range is empty
   */
  addBreak(ref: AddressRef, range: BreakRange & { description?: string | undefined }): SandboxBreak {
    return this.#parts.people.addBreak(ref, range);
  }

  moveBreak(breakId: string, range: BreakRange): SandboxBreak {
    return this.#parts.people.moveBreak(breakId, range);
  }

  removeBreak(breakId: string): void {
    this.#parts.people.removeBreak(breakId);
  }

  breaks(ref: AddressRef): readonly SandboxBreak[] {
    return this.#parts.people.breaks(ref);
  }

  /** Replaces the services of the address. Each difference is notified, unless `told` is false. */
  setServices(ref: AddressRef, services: readonly Service[], options?: NotifyOptions): ServiceChanges {
    return this.#parts.admin.setServices(ref, services, options);
  }

  /** replaceSlots for an address of the type `basic` is refused with 422. */
  setCommercialType(ref: AddressRef, type: CommercialType): void {
    this.#parts.admin.setCommercialType(ref, type);
  }

  /** Sets how work periods with services of different durations are cut into starts; it applies to existing periods too. */
  setCutting(ref: AddressRef, cutting: Cutting): void {
    this.#parts.admin.setCutting(ref, cutting);
  }

  assignAddress(ref: AddressRef, options?: NotifyOptions): void {
    this.#parts.admin.assignAddress(ref, options);
  }

  /** Takes the address from the clients: requests are answered 403, and no change of it is notified. */
  unassignAddress(ref: AddressRef, options?: NotifyOptions): void {
    this.#parts.admin.unassignAddress(ref, options);
  }
}
