// Builds the parts of a sandbox from its options.
import { z } from 'zod';
import { AccessTokens } from './access-tokens.js';
import { SandboxClock } from './clock.js';
import { FaultInjector } from './fault-injector.js';
import type { ServerParts } from './http/handle-request.js';
import { lagSchema, parseInput } from './input.js';
import { Market } from './market/market.js';
import type { SandboxOptions } from './options.js';
import { deliveryFaultsSchema } from './push/delivery-faults.js';
import type { DeliveryRecord } from './push/delivery-log.js';
import { PushService } from './push/push-service.js';
import { RateLimiter } from './rate-limiter.js';
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
import { SimulatedAdmin } from './simulated-admin.js';
import { SimulatedPeople } from './simulated-people.js';
import { systemTimers } from './timers.js';
import { getZone } from './zone.js';

export interface SandboxParts extends ServerParts {
  readonly pushService: PushService;
  readonly people: SimulatedPeople;
  readonly admin: SimulatedAdmin;
  /** Without an estate every id exists on first use. Without clients any credentials that are not empty are accepted. */
  setEstate(estate: Estate | undefined, clients: readonly Client[] | undefined): void;
  /** Limits that are left out keep their value. */
  setLimits(changes: LimitChanges): void;
}

interface Listeners {
  readonly onRequest: (record: RequestRecord) => void;
  readonly onDelivery: (record: DeliveryRecord) => void;
}

export function assemble(options: SandboxOptions, { onRequest, onDelivery }: Listeners): SandboxParts {
  const clock = new SandboxClock(options.now);
  const timers = options.timers ?? systemTimers;
  const seed = options.seed ?? 1;
  const logCapacity = options.keepRequests ?? 10_000;
  let limits = applyLimitChanges(CONTRACT_LIMITS, options.limits ?? {});

  const market: Market = new Market({
    ...parseSeed(options.estate, options.clients),
    timeZone: getZone(options.timeZone ?? 'Europe/Warsaw').name,
    askedDurations: options.askedDurations ?? true,
    keptComments: options.keptComments ?? true,
    echoes: options.echoes ?? true,
    duplicates: options.duplicates ?? true,
    readLagMs: parseInput(lagSchema, options.readLagMs ?? 0, 'readLagMs'),
    onNotification: (notification) => pushService.notify(notification),
  });
  const pushService: PushService = new PushService({
    clock,
    timers,
    seed,
    deliveryFaults: parseInput(deliveryFaultsSchema, options.delivery ?? {}, 'delivery'),
    logCapacity,
    clientOf: (client) => market.directory.findClient(client),
    onUndelivered: ({ bookingId }) => {
      if (bookingId !== undefined) people.cancelUndelivered(bookingId);
    },
    onDelivery,
  });
  const people = new SimulatedPeople(market, clock.now, pushService.requestApproval);

  return {
    clock,
    timers,
    market,
    pushService,
    people,
    admin: new SimulatedAdmin(market, clock.now),
    limiter: new RateLimiter(),
    tokens: new AccessTokens(options.tokenSeconds ?? 3_600),
    faults: new FaultInjector(seed),
    requests: new RequestLog(logCapacity),
    limitsOf: (client) => mergeLimits(limits, market.directory.findClient(client ?? '')?.limits),
    onRequest,
    onError: (error, { n, operation }) => {
      const reason = error instanceof Error ? error.stack : String(error);
      options.log?.('The sandbox failed', { n, operation, reason });
    },
    setEstate: (estate, clients) => {
      const seeded = parseSeed(estate, clients);
      market.replaceEstate(seeded.estate, seeded.clients, clock.now());
    },
    setLimits: (changes) => {
      limits = applyLimitChanges(limits, changes);
    },
  };
}

function parseSeed(estate: Estate | undefined, clients: readonly Client[] | undefined) {
  return {
    estate: estate && parseInput(estateSchema, estate, 'estate'),
    clients: clients && parseInput(z.array(clientSchema), clients, 'clients'),
  };
}

function applyLimitChanges(limits: Limits, changes: LimitChanges): Limits {
  return mergeLimits(limits, parseInput(limitsSchema.partial(), changes, 'limits'));
}
