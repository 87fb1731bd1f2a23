// What people in the marketplace do by hand: a patient or a doctor books, moves and cancels, a doctor makes breaks.
import type { AddressRef } from './address.js';
import { type InstantLike, SandboxInputError, toInstant } from './input.js';
import type { Booking, Patient, PaymentStatus, Presence, VisitInsurance } from './market/booking.js';
import { addBreak, moveBreak, removeBreak } from './market/breaks.js';
import type { Calendar } from './market/calendar.js';
import type { Market } from './market/market.js';
import type { Told } from './market/notifications.js';
import { bookingQuestion, movingQuestion } from './market/questions.js';
import type { BookRequest, MoveRequest } from './market/visit-time.js';
import { book, cancel, confirm, markPresence, move, type Outcome, setPayment } from './market/visits.js';
import type { Ask } from './push/asker.js';
import { SandboxRefusedError } from './refused.js';
import { fullBooking, writtenBreak } from './serialize.js';

export interface Visit {
  readonly start: InstantLike;
  readonly serviceId: string;
  /** Minutes; those of the slot when absent. */
  readonly duration?: number | undefined;
  /** A made-up person when absent. */
  readonly patient?: Patient | undefined;
  readonly comment?: string | undefined;
  /** Paid online. */
  readonly paid?: boolean | undefined;
  readonly insurance?: VisitInsurance | undefined;
  readonly by?: Person | undefined;
}

/** Who does it; a patient unless said otherwise. */
export type Person = 'user' | 'doctor';

export interface Move {
  readonly start: InstantLike;
  /** The same service when absent. */
  readonly serviceId?: string | undefined;
  readonly duration?: number | undefined;
  /** To another address, of the same doctor unless `doctorId` says whose. */
  readonly addressId?: string | undefined;
  readonly doctorId?: string | undefined;
  readonly by?: Person | undefined;
}

export interface BreakRange {
  readonly since: InstantLike;
  readonly till: InstantLike;
}

export type SandboxBooking = ReturnType<typeof fullBooking>;
export type SandboxBreak = ReturnType<typeof writtenBreak>;

const SOMEONE: Patient = {
  name: 'Sandbox',
  surname: 'Patient',
  phone: '+48000000000',
  email: 'patient@example.com',
};

export class Operator {
  readonly #market: Market;
  readonly #now: () => number;
  readonly #ask: Ask;

  constructor(market: Market, now: () => number, ask: Ask) {
    this.#market = market;
    this.#now = now;
    this.#ask = ask;
  }

  calendar(ref: AddressRef): Calendar {
    const calendar = this.#market.calendar(ref);
    if (calendar === undefined) throw new SandboxInputError('address', 'does not exist in the estate');
    return calendar;
  }

  bookings(ref: AddressRef): readonly SandboxBooking[] {
    const calendar = this.calendar(ref);
    return [...calendar.bookings.values()].map((booking) => this.#written(booking, calendar));
  }

  book(ref: AddressRef, visit: Visit): SandboxBooking {
    return this.#done('book', book(this.#market, this.calendar(ref), bookRequest(visit), this.#now()));
  }

  async bookAsking(ref: AddressRef, visit: Visit): Promise<SandboxBooking> {
    const request = bookRequest(visit);
    if (request.by === 'user') {
      const question = bookingQuestion(this.#market, this.calendar(ref), request, this.#now());
      await this.#assertApproved('book', question);
    }
    return this.book(ref, visit);
  }

  cancel(id: string, { by = 'user', reason }: { by?: Person | undefined; reason?: string | undefined } = {}) {
    return this.#done('cancel', cancel(this.#market, this.#home(id), id, { by, reason }, this.#now()));
  }

  move(id: string, to: Move): SandboxBooking {
    const request = this.#moveRequest(id, to);
    return this.#done('move', move(this.#market, this.#home(id), id, request, this.#now()));
  }

  async moveAsking(id: string, to: Move): Promise<SandboxBooking> {
    const request = this.#moveRequest(id, to);
    if (request.by === 'user') {
      const question = movingQuestion(this.#market, this.#home(id), id, request, this.#now());
      await this.#assertApproved('move', question);
    }
    return this.move(id, to);
  }

  confirm(id: string): SandboxBooking {
    return this.#done('confirm', confirm(this.#market, this.#home(id), id, 'user', this.#now()));
  }

  markPresence(id: string, presence: Presence): SandboxBooking {
    const outcome = markPresence(this.#market, this.#home(id), id, presence, 'doctor', this.#now());
    return this.#done('markPresence', outcome);
  }

  setPayment(id: string, payment: PaymentStatus): SandboxBooking {
    return this.#done('setPayment', setPayment(this.#market, this.#home(id), id, payment, this.#now()));
  }

  /** What the marketplace does to a booking that its client could not be told of, unless it is over already. */
  cancelUndelivered(id: string): void {
    const how = { by: 'user', reason: 'The clinic could not be told of the booking.' } as const;
    const home = this.#market.homeOf(id);
    if (home !== undefined) cancel(this.#market, home, id, how, this.#now());
  }

  breaks(ref: AddressRef): readonly SandboxBreak[] {
    const calendar = this.calendar(ref);
    return [...calendar.breaks.values()].map((one) => writtenBreak(one, calendar.zone));
  }

  addBreak(
    ref: AddressRef,
    { since, till, description = '' }: BreakRange & { description?: string | undefined },
  ) {
    const calendar = this.calendar(ref);
    const range = { start: toInstant(since, 'since'), end: toInstant(till, 'till') };
    const outcome = addBreak(this.#market, calendar, { ...range, description, by: 'doctor' }, this.#now());
    if (!outcome.ok) throw new SandboxRefusedError('addBreak', outcome.reason);
    return writtenBreak(outcome.made, calendar.zone);
  }

  moveBreak(id: string, { since, till }: BreakRange): SandboxBreak {
    const calendar = this.#home(id);
    const range = { start: toInstant(since, 'since'), end: toInstant(till, 'till') };
    const outcome = moveBreak(this.#market, calendar, id, { ...range, by: 'doctor' }, this.#now());
    if (!outcome.ok) throw new SandboxRefusedError('moveBreak', outcome.reason);
    return writtenBreak(outcome.made, calendar.zone);
  }

  removeBreak(id: string): void {
    if (!removeBreak(this.#market, this.#home(id), id, 'doctor', this.#now())) {
      throw new SandboxRefusedError('removeBreak', 'unknown');
    }
  }

  /** Refuses at once what is not possible, then what a client denies. */
  async #assertApproved(what: string, question: Told | string): Promise<void> {
    if (typeof question === 'string') throw new SandboxRefusedError(what, question);
    const verdict = await this.#ask(question);
    if (!verdict.approved) throw new SandboxRefusedError(what, 'denied', verdict.errorCode);
  }

  #moveRequest(
    id: string,
    { start, serviceId, addressId, doctorId, duration, by = 'user' }: Move,
  ): MoveRequest {
    const from = this.#home(id);
    const { ref } = from;
    const to = this.calendar({
      ...ref,
      doctorId: doctorId ?? ref.doctorId,
      addressId: addressId ?? ref.addressId,
    });
    const service = serviceId ?? from.bookings.get(id)?.serviceId ?? '';
    return { start: toInstant(start, 'start'), serviceId: service, duration, to, by };
  }

  #home(id: string): Calendar {
    const home = this.#market.homeOf(id);
    if (home === undefined) throw new SandboxRefusedError(`"${id}"`, 'unknown');
    return home;
  }

  #done(what: string, outcome: Outcome<string>): SandboxBooking {
    if (!outcome.ok) throw new SandboxRefusedError(what, outcome.reason);
    const { booking } = outcome;
    return this.#written(booking, this.#home(booking.id));
  }

  #written(booking: Booking, calendar: Calendar): SandboxBooking {
    return fullBooking(booking, calendar.zone, this.#market.service(calendar, booking.serviceId));
  }
}

function bookRequest({ start, by = 'user', patient = SOMEONE, ...visit }: Visit): BookRequest {
  return { ...visit, start: toInstant(start, 'start'), patient, by };
}
