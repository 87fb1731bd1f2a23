// The simulated people: a patient or a doctor books, moves and cancels, and a doctor manages breaks.
import type { AddressRef } from './address.js';
import { type InstantLike, SandboxInputError, toInstant } from './input.js';
import { buildBookingApproval, buildMoveApproval } from './market/approval-requests.js';
import type { Booking, BookingInsurance, Patient, PaymentStatus, Presence } from './market/booking.js';
import {
  type BookingOutcome,
  book,
  cancel,
  confirm,
  markPresence,
  move,
  setPayment,
} from './market/booking-actions.js';
import type { BookRequest, MoveRequest } from './market/booking-time.js';
import { addBreak, moveBreak, removeBreak } from './market/breaks.js';
import type { Calendar } from './market/calendar.js';
import type { Market } from './market/market.js';
import type { OutgoingNotification } from './market/notifications.js';
import type { RequestApproval } from './push/approvals.js';
import { SandboxRefusedError } from './refused.js';
import { serializeBooking, serializeBreak } from './serialize.js';

export interface Visit {
  readonly start: InstantLike;
  readonly serviceId: string;
  /** Minutes; by default the duration of the service in the slot. */
  readonly duration?: number | undefined;
  /** Default: a fictional patient. */
  readonly patient?: Patient | undefined;
  readonly comment?: string | undefined;
  /** Whether the booking is paid online. */
  readonly paid?: boolean | undefined;
  readonly insurance?: BookingInsurance | undefined;
  readonly by?: Person | undefined;
}

/** Who acts: `user` is a patient and the default. */
export type Person = 'user' | 'doctor';

export interface Move {
  readonly start: InstantLike;
  /** Default: the same service. */
  readonly serviceId?: string | undefined;
  readonly duration?: number | undefined;
  /** The address to move to; default the same. It belongs to the same doctor unless `doctorId` is given. */
  readonly addressId?: string | undefined;
  readonly doctorId?: string | undefined;
  readonly by?: Person | undefined;
}

export interface BreakRange {
  readonly since: InstantLike;
  readonly till: InstantLike;
}

export type SandboxBooking = ReturnType<typeof serializeBooking>;
export type SandboxBreak = ReturnType<typeof serializeBreak>;

const DEFAULT_PATIENT: Patient = {
  name: 'Sandbox',
  surname: 'Patient',
  phone: '+48000000000',
  email: 'patient@example.com',
};

export class SimulatedPeople {
  readonly #market: Market;
  readonly #now: () => number;
  readonly #requestApproval: RequestApproval;

  constructor(market: Market, now: () => number, requestApproval: RequestApproval) {
    this.#market = market;
    this.#now = now;
    this.#requestApproval = requestApproval;
  }

  calendar(ref: AddressRef): Calendar {
    const calendar = this.#market.resolveCalendar(ref);
    if (calendar === undefined) throw new SandboxInputError('address', 'does not exist in the estate');
    return calendar;
  }

  bookings(ref: AddressRef): readonly SandboxBooking[] {
    const calendar = this.calendar(ref);
    return [...calendar.bookings.values()].map((booking) => this.#serialize(booking, calendar));
  }

  book(ref: AddressRef, visit: Visit): SandboxBooking {
    return this.#unwrap('book', book(this.#market, this.calendar(ref), toBookRequest(visit), this.#now()));
  }

  async bookAsking(ref: AddressRef, visit: Visit): Promise<SandboxBooking> {
    const request = toBookRequest(visit);
    if (request.by === 'user') {
      const approvalRequest = buildBookingApproval(this.#market, this.calendar(ref), request, this.#now());
      await this.#assertApproved('book', approvalRequest);
    }
    return this.book(ref, visit);
  }

  cancel(id: string, { by = 'user', reason }: { by?: Person | undefined; reason?: string | undefined } = {}) {
    return this.#unwrap(
      'cancel',
      cancel(this.#market, this.#calendarOf(id), id, { by, reason }, this.#now()),
    );
  }

  move(id: string, to: Move): SandboxBooking {
    const request = this.#moveRequest(id, to);
    return this.#unwrap('move', move(this.#market, this.#calendarOf(id), id, request, this.#now()));
  }

  async moveAsking(id: string, to: Move): Promise<SandboxBooking> {
    const request = this.#moveRequest(id, to);
    if (request.by === 'user') {
      const approvalRequest = buildMoveApproval(this.#market, this.#calendarOf(id), id, request, this.#now());
      await this.#assertApproved('move', approvalRequest);
    }
    return this.move(id, to);
  }

  confirm(id: string): SandboxBooking {
    return this.#unwrap('confirm', confirm(this.#market, this.#calendarOf(id), id, 'user', this.#now()));
  }

  markPresence(id: string, presence: Presence): SandboxBooking {
    const outcome = markPresence(this.#market, this.#calendarOf(id), id, presence, 'doctor', this.#now());
    return this.#unwrap('markPresence', outcome);
  }

  setPayment(id: string, payment: PaymentStatus): SandboxBooking {
    return this.#unwrap(
      'setPayment',
      setPayment(this.#market, this.#calendarOf(id), id, payment, this.#now()),
    );
  }

  /** Cancels a booking whose only push attempt failed, as the marketplace does; a canceled booking stays as it is. */
  cancelUndelivered(id: string): void {
    const how = { by: 'user', reason: 'The clinic could not be notified of the booking.' } as const;
    const calendar = this.#market.findCalendarOf(id);
    if (calendar !== undefined) cancel(this.#market, calendar, id, how, this.#now());
  }

  breaks(ref: AddressRef): readonly SandboxBreak[] {
    const calendar = this.calendar(ref);
    return [...calendar.breaks.values()].map((one) => serializeBreak(one, calendar.zone));
  }

  addBreak(
    ref: AddressRef,
    { since, till, description = '' }: BreakRange & { description?: string | undefined },
  ) {
    const calendar = this.calendar(ref);
    const range = { start: toInstant(since, 'since'), end: toInstant(till, 'till') };
    const outcome = addBreak(this.#market, calendar, { ...range, description, by: 'doctor' }, this.#now());
    if (!outcome.ok) throw new SandboxRefusedError('addBreak', outcome.reason);
    return serializeBreak(outcome.made, calendar.zone);
  }

  moveBreak(id: string, { since, till }: BreakRange): SandboxBreak {
    const calendar = this.#calendarOf(id);
    const range = { start: toInstant(since, 'since'), end: toInstant(till, 'till') };
    const outcome = moveBreak(this.#market, calendar, id, { ...range, by: 'doctor' }, this.#now());
    if (!outcome.ok) throw new SandboxRefusedError('moveBreak', outcome.reason);
    return serializeBreak(outcome.made, calendar.zone);
  }

  removeBreak(id: string): void {
    if (!removeBreak(this.#market, this.#calendarOf(id), id, 'doctor', this.#now())) {
      throw new SandboxRefusedError('removeBreak', 'unknown');
    }
  }

  /** @throws SandboxRefusedError when the request is not possible now, or when a client denies */
  async #assertApproved(what: string, request: OutgoingNotification | string): Promise<void> {
    if (typeof request === 'string') throw new SandboxRefusedError(what, request);
    const approval = await this.#requestApproval(request);
    if (!approval.approved) throw new SandboxRefusedError(what, 'denied', approval.errorCode);
  }

  #moveRequest(
    id: string,
    { start, serviceId, addressId, doctorId, duration, by = 'user' }: Move,
  ): MoveRequest {
    const from = this.#calendarOf(id);
    const { ref } = from;
    const to = this.calendar({
      ...ref,
      doctorId: doctorId ?? ref.doctorId,
      addressId: addressId ?? ref.addressId,
    });
    const service = serviceId ?? from.bookings.get(id)?.serviceId ?? '';
    return { start: toInstant(start, 'start'), serviceId: service, duration, to, by };
  }

  #calendarOf(id: string): Calendar {
    const calendar = this.#market.findCalendarOf(id);
    if (calendar === undefined) throw new SandboxRefusedError(`"${id}"`, 'unknown');
    return calendar;
  }

  #unwrap(what: string, outcome: BookingOutcome<string>): SandboxBooking {
    if (!outcome.ok) throw new SandboxRefusedError(what, outcome.reason);
    const { booking } = outcome;
    return this.#serialize(booking, this.#calendarOf(booking.id));
  }

  #serialize(booking: Booking, calendar: Calendar): SandboxBooking {
    return serializeBooking(booking, calendar.zone, this.#market.findService(calendar, booking.serviceId));
  }
}

function toBookRequest({ start, by = 'user', patient = DEFAULT_PATIENT, ...visit }: Visit): BookRequest {
  return { ...visit, start: toInstant(start, 'start'), patient, by };
}
