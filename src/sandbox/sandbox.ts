// A marketplace to develop against: the contract's behaviour over HTTP, kept in memory, and hands to look into it, to move
// its clock and to make it fail. It shares no code with the client that talks to it.
import { EventEmitter } from 'node:events';
import { z } from 'zod';
import type { AddressRef } from './address.js';
import { SandboxClock } from './clock.js';
import { mountControl } from './control/routes.js';
import {
  type Client,
  CONTRACT_LIMITS,
  clientSchema,
  type Estate,
  estateSchema,
  type LimitChanges,
  type Limits,
  limitsSchema,
  mergeLimits,
} from './estate.js';
import { Faults } from './faults.js';
import type { Hands } from './hands.js';
import type { Parts } from './http/exchange.js';
import { type Listening, listen } from './http/server.js';
import { type InstantLike, readInput } from './input.js';
import { Limiter } from './limits.js';
import { Market } from './market/market.js';
import {
  type BreakRange,
  type Move,
  Operator,
  type Person,
  type SandboxBooking,
  type SandboxBreak,
  type Visit,
} from './operator.js';
import type { SandboxEvents, SandboxOptions } from './options.js';
import { RequestLog, type RequestRecord } from './request-log.js';
import { Tokens } from './tokens.js';
import { type PatientStart, patientView, rangeOf, type StandingPeriod, standingPeriods } from './view.js';
import { zoneNamed } from './zone.js';

export class Sandbox extends EventEmitter<SandboxEvents> implements Hands {
  /** Follows `options.now`; can be set, advanced and stopped. */
  readonly clock: SandboxClock;
  /** Deterministic from `options.seed`. */
  readonly faults: Faults;
  readonly #market: Market;
  readonly #operator: Operator;
  readonly #parts: Parts;
  #clients: readonly Client[] | undefined;
  #limits: Limits;
  #listening: Promise<Listening> | undefined;
  #url: string | undefined;

  /** Throws {@link SandboxInputError} for an estate, clients or limits that are wrong. */
  constructor(options: SandboxOptions = {}) {
    super();
    this.clock = new SandboxClock(options.now);
    this.faults = new Faults(options.seed ?? 1);
    this.#clients = options.clients;
    this.#limits = withLimits(CONTRACT_LIMITS, options.limits ?? {});
    this.#market = new Market({
      ...checked(options.estate, options.clients),
      timeZone: zoneNamed(options.timeZone ?? 'Europe/Warsaw').name,
      echoes: options.echoes ?? true,
      duplicates: options.duplicates ?? true,
    });
    this.#operator = new Operator(this.#market, this.clock.now);
    this.#parts = {
      clock: this.clock,
      market: this.#market,
      limiter: new Limiter(),
      tokens: new Tokens(options.tokenSeconds ?? 3_600),
      faults: this.faults,
      requests: new RequestLog(options.keepRequests ?? 10_000),
      limitsOf: (client) => mergeLimits(this.#limits, this.#market.directory.client(client ?? '')?.limits),
      // A listener that throws is the listener's failure, not the request's.
      onRequest: (record) => queueMicrotask(() => this.emit('request', record)),
      onError: (error, { n, operation }) => {
        const reason = error instanceof Error ? error.stack : String(error);
        options.log?.('The sandbox failed', { n, operation, reason });
      },
    };
  }

  /**
   * Resolves with the address to use as an account's `baseUrl`. Rejects when the port is taken. Started again after `stop`,
   * it still knows everything.
   */
  async start({ port = 0, host = '127.0.0.1' }: { port?: number; host?: string } = {}): Promise<string> {
    this.#listening ??= listen(this.#parts, { port, host }, (app) => mountControl(app, this));
    try {
      this.#url = (await this.#listening).url;
      return this.#url;
    } catch (error) {
      this.#listening = undefined;
      throw error;
    }
  }

  /** Idempotent. Cuts every connection, idle, slow or unanswered. */
  async stop(): Promise<void> {
    const listening = this.#listening;
    this.#listening = undefined;
    this.#url = undefined;
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

  /** The starts that a patient can choose, past ones excluded, bookings and breaks taken out. Half-open range. */
  patientView(ref: AddressRef, from: InstantLike, to: InstantLike): readonly PatientStart[] {
    return patientView(this.#operator.calendar(ref), rangeOf(from, to), this.clock.now());
  }

  /** The work periods that touch the range, as they stand, whole. */
  slots(ref: AddressRef, from: InstantLike, to: InstantLike): readonly StandingPeriod[] {
    return standingPeriods(this.#operator.calendar(ref), rangeOf(from, to));
  }

  /** Without an estate everything exists; without clients the present ones stay. */
  setEstate(estate: Estate | undefined, clients: readonly Client[] | undefined = this.#clients): void {
    const known = checked(estate, clients);
    this.#clients = clients;
    this.#market.settle(known.estate, known.clients);
  }

  /** What is left out stays as it is. */
  setLimits(limits: LimitChanges): void {
    this.#limits = withLimits(this.#limits, limits);
  }

  /** Ends tokens before their time: the next request with one is answered 401. */
  revokeTokens(client?: string): void {
    this.#parts.tokens.revoke(client);
  }

  /** As if just made: nothing happened yet, no faults, the clock follows its source. Estate, clients and limits stay. */
  reset(): void {
    this.#market.clear();
    this.#parts.limiter.clear();
    this.#parts.requests.clear();
    this.#parts.tokens.revoke();
    this.faults.clear();
    this.clock.reset();
  }

  /** A patient, or the doctor, books. Throws {@link SandboxRefusedError} where there is no free start. */
  book(ref: AddressRef, visit: Visit): SandboxBooking {
    return this.#operator.book(ref, visit);
  }

  cancel(
    bookingId: string,
    how: { by?: Person | undefined; reason?: string | undefined } = {},
  ): SandboxBooking {
    return this.#operator.cancel(bookingId, how);
  }

  /** Resolves to the new booking, with a new id. */
  move(bookingId: string, to: Move): SandboxBooking {
    return this.#operator.move(bookingId, to);
  }

  confirm(bookingId: string): SandboxBooking {
    return this.#operator.confirm(bookingId);
  }

  bookings(ref: AddressRef): readonly SandboxBooking[] {
    return this.#operator.bookings(ref);
  }

  /** The doctor makes a break. Throws {@link SandboxRefusedError} where it exists or its range is empty. */
  addBreak(ref: AddressRef, range: BreakRange & { description?: string | undefined }): SandboxBreak {
    return this.#operator.addBreak(ref, range);
  }

  moveBreak(breakId: string, range: BreakRange): SandboxBreak {
    return this.#operator.moveBreak(breakId, range);
  }

  removeBreak(breakId: string): void {
    this.#operator.removeBreak(breakId);
  }

  breaks(ref: AddressRef): readonly SandboxBreak[] {
    return this.#operator.breaks(ref);
  }
}

function checked(estate: Estate | undefined, clients: readonly Client[] | undefined) {
  return {
    estate: estate && readInput(estateSchema, estate, 'estate'),
    clients: clients && readInput(z.array(clientSchema), clients, 'clients'),
  };
}

function withLimits(limits: Limits, changes: LimitChanges): Limits {
  return mergeLimits(limits, readInput(limitsSchema.partial(), changes, 'limits'));
}
