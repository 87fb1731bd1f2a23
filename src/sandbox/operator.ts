// What people in the marketplace do by hand: a patient or a doctor books, moves and cancels, a doctor makes breaks.
import type { AddressRef } from './address.js';
import { type InstantLike, SandboxInputError, toInstant } from './input.js';
import type { Booking, Patient } from './market/booking.js';
import { addBreak, moveBreak, removeBreak } from './market/breaks.js';
import type { Calendar } from './market/calendar.js';
import type { Market } from './market/market.js';
import { book, cancel, confirm, move, type Outcome } from './market/visits.js';
import { fullBooking, writtenBreak } from './written.js';

export interface Visit {
  readonly start: InstantLike;
  readonly serviceId: string;
  /** Minutes; those of the slot when absent. */
  readonly duration?: number | undefined;
  /** A made-up person when absent. */
  readonly patient?: Patient | undefined;
  readonly comment?: string | undefined;
  /** Paid online, so that the clinic can not move it. */
  readonly paid?: boolean | undefined;
  readonly by?: Person | undefined;
}

/** Who does it; a patient unless said otherwise. */
export type Person = 'user' | 'doctor';

export interface Move {
  readonly start: InstantLike;
  /** The same service when absent. */
  readonly serviceId?: string | undefined;
  readonly duration?: number | undefined;
  /** To another address of the same doctor. */
  readonly addressId?: string | undefined;
  readonly by?: Person | undefined;
}

export interface BreakRange {
  readonly since: InstantLike;
  readonly till: InstantLike;
}

export type SandboxBooking = ReturnType<typeof fullBooking>;
export type SandboxBreak = ReturnType<typeof writtenBreak>;

/** The marketplace does not allow it now: the start is taken, the booking is over, the break is there already. */
export class SandboxRefusedError extends Error {
  override readonly name = 'SandboxRefusedError';
  /** Such as `no-slot`, `does-not-fit`, `unknown`, `over`, `exists`, `range`, `same`. */
  readonly reason: string;

  constructor(what: string, reason: string) {
    super(`${what}: ${reason}`);
    this.reason = reason;
  }
}

const SOMEONE: Patient = {
  name: 'Sandbox',
  surname: 'Patient',
  phone: '+48000000000',
  email: 'patient@example.com',
};

export class Operator {
  readonly #market: Market;
  readonly #now: () => number;

  constructor(market: Market, now: () => number) {
    this.#market = market;
    this.#now = now;
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

  book(ref: AddressRef, { start, by = 'user', patient = SOMEONE, ...visit }: Visit): SandboxBooking {
    const request = { ...visit, start: toInstant(start, 'start'), patient, by };
    return this.#done('book', book(this.#market, this.calendar(ref), request, this.#now()));
  }

  cancel(id: string, { by = 'user', reason }: { by?: Person | undefined; reason?: string | undefined } = {}) {
    return this.#done('cancel', cancel(this.#market, this.#home(id), id, { by, reason }, this.#now()));
  }

  move(id: string, { start, serviceId, addressId, duration, by = 'user' }: Move): SandboxBooking {
    const from = this.#home(id);
    const to = addressId === undefined ? from : this.calendar({ ...from.ref, addressId });
    const service = serviceId ?? from.bookings.get(id)?.serviceId ?? '';
    const request = { start: toInstant(start, 'start'), serviceId: service, duration, to, by };
    return this.#done('move', move(this.#market, from, id, request, this.#now()));
  }

  confirm(id: string): SandboxBooking {
    return this.#done('confirm', confirm(this.#market, this.#home(id), id, 'user', this.#now()));
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
    const service = this.#market.service(calendar, booking.serviceId) ?? { id: booking.serviceId };
    return fullBooking(booking, calendar.zone, service);
  }
}
