// A marketplace to develop against: the contract's behaviour over HTTP, kept in memory, and hands to look into it, to move
// its clock and to make it fail. It shares no code with the client that talks to it.
import { EventEmitter } from 'node:events';
import type { AddressRef } from './address.js';
import { type Assembly, assemble } from './assemble.js';
import type { SandboxClock } from './clock.js';
import { mountControl } from './control/routes.js';
import type { Hands } from './controls.js';
import type { Faults } from './faults.js';
import { type Listening, listen } from './http/server.js';
import { type InstantLike, lagSchema, readInput } from './input.js';
import type { PaymentStatus, Presence } from './market/booking.js';
import type { CommercialType, ServiceChanges, Telling } from './market/places.js';
import type { SandboxEvents, SandboxOptions } from './options.js';
import { type Disorder, disorderSchema } from './push/delivery-faults.js';
import type { DeliveryRecord } from './push/delivery-log.js';
import type { RequestRecord } from './request-log.js';
import type { Client, Cutting, Estate, LimitChanges, Service } from './seed.js';
import type { BreakRange, Move, Person, SandboxBooking, SandboxBreak, Visit } from './simulated-people.js';
import { type PatientStart, patientView, rangeOf, type StandingPeriod, standingPeriods } from './view.js';

export class Sandbox extends EventEmitter<SandboxEvents> implements Hands {
  /** Follows `options.now`; can be set, advanced and stopped. */
  readonly clock: SandboxClock;
  /** Deterministic from `options.seed`. */
  readonly faults: Faults;
  readonly #parts: Assembly;
  #clients: readonly Client[] | undefined;
  #listening: Promise<Listening> | undefined;
  #url: string | undefined;

  /** Throws {@link SandboxInputError} for an estate, clients, limits or deliveries that are wrong. */
  constructor(options: SandboxOptions = {}) {
    super();
    this.#clients = options.clients;
    this.#parts = assemble(options, {
      // A listener that throws is the listener's failure, not the request's.
      onRequest: (record) => queueMicrotask(() => this.emit('request', record)),
      onDelivery: (record) => queueMicrotask(() => this.emit('delivery', record)),
    });
    this.clock = this.#parts.clock;
    this.faults = this.#parts.faults;
  }

  /**
   * Resolves with the address to use as an account's `baseUrl`. Rejects when the port is taken. Started again after `stop`,
   * it still knows everything.
   */
  async start({ port = 0, host = '127.0.0.1' }: { port?: number; host?: string } = {}): Promise<string> {
    this.#listening ??= listen(this.#parts, { port, host }, (app) => mountControl(app, this));
    const listening = this.#listening;
    try {
      const { url } = await listening;
      // Unless it was stopped meanwhile.
      if (this.#listening === listening) {
        this.#url = url;
        this.#parts.postOffice.start();
      }
      return url;
    } catch (error) {
      this.#listening = undefined;
      throw error;
    }
  }

  /**
   * Idempotent. Cuts every connection, idle, slow or unanswered, in both directions. What could not be pushed goes out after the
   * next start.
   */
  async stop(): Promise<void> {
    const listening = this.#listening;
    this.#listening = undefined;
    this.#url = undefined;
    await this.#parts.postOffice.stop();
    await (await listening)?.close();
  }

  /** Throws while it is not started. */
  get url(): string {
    if (this.#url === undefined) throw new Error('The sandbox is not started.');
    return this.#url;
  }

  /** The newest requests, in order of arrival; no token and no secret is in them. */
  get requests(): readonly RequestRecord[] {
    return this.#parts.requests.all;
  }

  /** The newest pushes and questions, in the order they were sent; no patient is in them. */
  get deliveries(): readonly DeliveryRecord[] {
    return this.#parts.postOffice.deliveries;
  }

  /** The starts that a patient can choose, past ones excluded, bookings and breaks taken out. Half-open range. */
  patientView(ref: AddressRef, from: InstantLike, to: InstantLike): readonly PatientStart[] {
    return patientView(this.#parts.operator.calendar(ref), rangeOf(from, to), this.clock.now());
  }

  /** The work periods that touch the range, as they stand, whole. */
  slots(ref: AddressRef, from: InstantLike, to: InstantLike): readonly StandingPeriod[] {
    return standingPeriods(this.#parts.operator.calendar(ref), rangeOf(from, to));
  }

  /** Without an estate everything exists; without clients the present ones stay. */
  setEstate(estate: Estate | undefined, clients: readonly Client[] | undefined = this.#clients): void {
    this.#parts.setEstate(estate, clients);
    this.#clients = clients;
  }

  /** What is left out stays as it is. */
  setLimits(limits: LimitChanges): void {
    this.#parts.setLimits(limits);
  }

  /** getSlots answers from the state of so many milliseconds ago, on the sandbox's clock; what was before is not known. */
  setReadLag(ms: number): void {
    this.#parts.market.readLagMs = readInput(lagSchema, ms);
  }

  /** From now on notifications come twice, out of order, late or not at all; `{}` ends it. */
  setDelivery(disorder: Disorder): void {
    this.#parts.postOffice.setDisorder(readInput(disorderSchema, disorder));
  }

  /** Ends tokens before their time: the next request with one is answered 401. */
  revokeTokens(client?: string): void {
    this.#parts.tokens.revoke(client);
  }

  /** As if just made: nothing happened yet, no faults, notifications in order, the clock follows its source. Estate, clients and limits stay. */
  reset(): void {
    this.#parts.postOffice.clear();
    this.#parts.market.clear();
    this.#parts.limiter.clear();
    this.#parts.requests.clear();
    this.#parts.tokens.revoke();
    this.faults.clear();
    this.clock.reset();
  }

  /** A patient, or the doctor, books. Throws {@link SandboxRefusedError} where there is no free start. */
  book(ref: AddressRef, visit: Visit): SandboxBooking {
    return this.#parts.operator.book(ref, visit);
  }

  /**
   * The same, after every client with `asks` was asked. Rejects with {@link SandboxRefusedError} `denied` where one did not agree, and
   * where the start was taken meanwhile. Nobody is asked about what a doctor does.
   */
  bookAsking(ref: AddressRef, visit: Visit): Promise<SandboxBooking> {
    return this.#parts.operator.bookAsking(ref, visit);
  }

  cancel(
    bookingId: string,
    how: { by?: Person | undefined; reason?: string | undefined } = {},
  ): SandboxBooking {
    return this.#parts.operator.cancel(bookingId, how);
  }

  /** Gives the new booking, with a new id. */
  move(bookingId: string, to: Move): SandboxBooking {
    return this.#parts.operator.move(bookingId, to);
  }

  /** The same, after asking as {@link bookAsking} does. */
  moveAsking(bookingId: string, to: Move): Promise<SandboxBooking> {
    return this.#parts.operator.moveAsking(bookingId, to);
  }

  confirm(bookingId: string): SandboxBooking {
    return this.#parts.operator.confirm(bookingId);
  }

  /** The doctor says whether the patient came. */
  markPresence(bookingId: string, presence: Presence): SandboxBooking {
    return this.#parts.operator.markPresence(bookingId, presence);
  }

  /** The clinic can not move a visit that is `paid` to an address of another payment account. */
  setPayment(bookingId: string, status: PaymentStatus): SandboxBooking {
    return this.#parts.operator.setPayment(bookingId, status);
  }

  bookings(ref: AddressRef): readonly SandboxBooking[] {
    return this.#parts.operator.bookings(ref);
  }

  /** The doctor makes a break. Throws {@link SandboxRefusedError} where it exists or its range is empty. */
  addBreak(ref: AddressRef, range: BreakRange & { description?: string | undefined }): SandboxBreak {
    return this.#parts.operator.addBreak(ref, range);
  }

  moveBreak(breakId: string, range: BreakRange): SandboxBreak {
    return this.#parts.operator.moveBreak(breakId, range);
  }

  removeBreak(breakId: string): void {
    this.#parts.operator.removeBreak(breakId);
  }

  breaks(ref: AddressRef): readonly SandboxBreak[] {
    return this.#parts.operator.breaks(ref);
  }

  /** The doctor has these services at the address, and no other; each difference is told, unless `told` is false. */
  setServices(ref: AddressRef, services: readonly Service[], telling?: Telling): ServiceChanges {
    return this.#parts.registrar.setServices(ref, services, telling);
  }

  /** Slots of a non-commercial address are refused, 422. */
  setCommercialType(ref: AddressRef, type: CommercialType): void {
    this.#parts.registrar.setCommercialType(ref, type);
  }

  /** How its work periods of services of different durations are cut, those that stand included. */
  setCutting(ref: AddressRef, cutting: Cutting): void {
    this.#parts.registrar.setCutting(ref, cutting);
  }

  assignAddress(ref: AddressRef, telling?: Telling): void {
    this.#parts.registrar.assignAddress(ref, telling);
  }

  /** The address is the clients' no longer: 403, and nothing more of it is told. */
  unassignAddress(ref: AddressRef, telling?: Telling): void {
    this.#parts.registrar.unassignAddress(ref, telling);
  }
}
