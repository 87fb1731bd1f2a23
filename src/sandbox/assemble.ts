// Puts the sandbox's parts together as its options say.
import { z } from 'zod';
import { SandboxClock } from './clock.js';
import { Faults } from './faults.js';
import type { Parts } from './http/exchange.js';
import { lagSchema, readInput } from './input.js';
import { Limiter } from './limits.js';
import { Market } from './market/market.js';
import type { SandboxOptions } from './options.js';
import { disorderSchema } from './push/delivery-faults.js';
import type { DeliveryRecord } from './push/delivery-log.js';
import { PostOffice } from './push/push-service.js';
import { RequestLog, type RequestRecord } from './request-log.js';
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
} from './seed.js';
import { Registrar } from './simulated-admin.js';
import { Operator } from './simulated-people.js';
import { systemTimers } from './timers.js';
import { Tokens } from './tokens.js';
import { zoneNamed } from './zone.js';

export interface Assembly extends Parts {
  readonly postOffice: PostOffice;
  readonly operator: Operator;
  readonly registrar: Registrar;
  /** Without an estate everything exists, without clients anybody may ask. */
  setEstate(estate: Estate | undefined, clients: readonly Client[] | undefined): void;
  /** What is left out stays as it is. */
  setLimits(changes: LimitChanges): void;
}

interface Listeners {
  readonly onRequest: (record: RequestRecord) => void;
  readonly onDelivery: (record: DeliveryRecord) => void;
}

export function assemble(options: SandboxOptions, { onRequest, onDelivery }: Listeners): Assembly {
  const clock = new SandboxClock(options.now);
  const timers = options.timers ?? systemTimers;
  const seed = options.seed ?? 1;
  const keep = options.keepRequests ?? 10_000;
  let limits = withLimits(CONTRACT_LIMITS, options.limits ?? {});

  const market: Market = new Market({
    ...known(options.estate, options.clients),
    timeZone: zoneNamed(options.timeZone ?? 'Europe/Warsaw').name,
    askedDurations: options.askedDurations ?? true,
    keptComments: options.keptComments ?? true,
    echoes: options.echoes ?? true,
    duplicates: options.duplicates ?? true,
    readLagMs: readInput(lagSchema, options.readLagMs ?? 0, 'readLagMs'),
    onTold: (told) => postOffice.tell(told),
  });
  const postOffice: PostOffice = new PostOffice({
    clock,
    timers,
    seed,
    disorder: readInput(disorderSchema, options.delivery ?? {}, 'delivery'),
    keep,
    clientOf: (client) => market.directory.client(client),
    onUndelivered: ({ bookingId }) => {
      if (bookingId !== undefined) operator.cancelUndelivered(bookingId);
    },
    onDelivery,
  });
  const operator = new Operator(market, clock.now, postOffice.ask);

  return {
    clock,
    timers,
    market,
    postOffice,
    operator,
    registrar: new Registrar(market, clock.now),
    limiter: new Limiter(),
    tokens: new Tokens(options.tokenSeconds ?? 3_600),
    faults: new Faults(seed),
    requests: new RequestLog(keep),
    limitsOf: (client) => mergeLimits(limits, market.directory.client(client ?? '')?.limits),
    onRequest,
    onError: (error, { n, operation }) => {
      const reason = error instanceof Error ? error.stack : String(error);
      options.log?.('The sandbox failed', { n, operation, reason });
    },
    setEstate: (estate, clients) => {
      const read = known(estate, clients);
      market.settle(read.estate, read.clients, clock.now());
    },
    setLimits: (changes) => {
      limits = withLimits(limits, changes);
    },
  };
}

function known(estate: Estate | undefined, clients: readonly Client[] | undefined) {
  return {
    estate: estate && readInput(estateSchema, estate, 'estate'),
    clients: clients && readInput(z.array(clientSchema), clients, 'clients'),
  };
}

function withLimits(limits: Limits, changes: LimitChanges): Limits {
  return mergeLimits(limits, readInput(limitsSchema.partial(), changes, 'limits'));
}
