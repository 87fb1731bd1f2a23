// A marketplace to develop against: the contract's behaviour over HTTP, kept in memory, and hands to look into it, to move
// its clock and to make it fail. It shares no code with the client that talks to it.
import { EventEmitter } from 'node:events';
import { z } from 'zod';
import type { AddressRef } from './address.js';
import { SandboxClock } from './clock.js';
import {
  type Client,
  CONTRACT_LIMITS,
  clientSchema,
  type Estate,
  estateSchema,
  type Limits,
  mergeLimits,
} from './estate.js';
import { Faults } from './faults.js';
import type { Parts } from './http/exchange.js';
import { type Listening, listen } from './http/server.js';
import { type InstantLike, readInput, SandboxInputError } from './input.js';
import { Limiter } from './limits.js';
import type { Calendar } from './market/calendar.js';
import { Market } from './market/market.js';
import { RequestLog, type RequestRecord } from './request-log.js';
import { Tokens } from './tokens.js';
import { type PatientStart, patientView, rangeOf, type StandingPeriod, standingPeriods } from './view.js';

export interface SandboxOptions {
  /** Epoch milliseconds; the real clock by default. */
  readonly now?: () => number;
  /** Of the faults' randomness; 1 by default. */
  readonly seed?: number;
  /** What exists; without it everything does, on first use. */
  readonly estate?: Estate;
  /** Who may ask; without it any credentials that are not empty. */
  readonly clients?: readonly Client[];
  /** For every client; what is left out is the contract's number, null switches a limit off. */
  readonly limits?: Partial<Limits>;
  /** How long a token lasts; 3600. */
  readonly tokenSeconds?: number;
  /** Where an address says no other; Europe/Warsaw. */
  readonly timeZone?: string;
  /** The duplicate rule; on. */
  readonly duplicates?: boolean;
  /** How many requests are remembered; 10,000. */
  readonly keepRequests?: number;
  /** Told about what failed inside the sandbox; never about bodies or headers. */
  readonly log?: (message: string, details: Readonly<Record<string, unknown>>) => void;
}

export interface SandboxEvents {
  /** A request was answered, cut or left: its record is complete. */
  request: [RequestRecord];
}

export class Sandbox extends EventEmitter<SandboxEvents> {
  readonly clock: SandboxClock;
  readonly faults: Faults;
  readonly #requests: RequestLog;
  readonly #market: Market;
  readonly #parts: Parts;
  #limits: Limits;
  #listening: Promise<Listening> | undefined;
  #url: string | undefined;

  constructor(options: SandboxOptions = {}) {
    super();
    this.clock = new SandboxClock(options.now);
    this.faults = new Faults(options.seed ?? 1);
    this.#requests = new RequestLog(options.keepRequests ?? 10_000);
    this.#limits = mergeLimits(CONTRACT_LIMITS, options.limits);
    this.#market = new Market({
      estate: options.estate && readInput(estateSchema, options.estate, 'estate'),
      clients: options.clients && readInput(z.array(clientSchema), options.clients, 'clients'),
      timeZone: options.timeZone ?? 'Europe/Warsaw',
    });
    this.#parts = {
      clock: this.clock,
      market: this.#market,
      limiter: new Limiter(),
      tokens: new Tokens(options.tokenSeconds ?? 3_600),
      faults: this.faults,
      requests: this.#requests,
      limitsOf: (client) => mergeLimits(this.#limits, this.#market.directory.client(client ?? '')?.limits),
      onRequest: (record) => this.emit('request', record),
      onError: (error, { n, operation }) =>
        options.log?.('The sandbox failed', {
          n,
          operation,
          reason: error instanceof Error ? error.stack : error,
        }),
    };
  }

  /** Resolves with the address to use as an account's `baseUrl`. Started again after `stop`, it still knows everything. */
  async start({ port = 0, host = '127.0.0.1' }: { port?: number; host?: string } = {}): Promise<string> {
    this.#listening ??= listen(this.#parts, { port, host }, () => undefined);
    try {
      const { url } = await this.#listening;
      this.#url = url;
      return url;
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

  get url(): string {
    if (this.#url === undefined) throw new Error('The sandbox is not started.');
    return this.#url;
  }

  get requests(): readonly RequestRecord[] {
    return this.#requests.all;
  }

  /** The starts that a patient can choose, past ones excluded, bookings and breaks taken out. Half-open range. */
  patientView(ref: AddressRef, from: InstantLike, to: InstantLike): readonly PatientStart[] {
    return patientView(this.#calendar(ref), rangeOf(from, to), this.clock.now());
  }

  /** The work periods that touch the range, as they stand, whole. */
  slots(ref: AddressRef, from: InstantLike, to: InstantLike): readonly StandingPeriod[] {
    return standingPeriods(this.#calendar(ref), rangeOf(from, to));
  }

  #calendar(ref: AddressRef): Calendar {
    const calendar = this.#market.calendar(ref);
    if (calendar === undefined) throw new SandboxInputError('address', 'does not exist in the estate');
    return calendar;
  }
}
