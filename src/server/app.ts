/** The HTTP API: JSON under /v1 with an API key, and the health of the process without one. */
import { type FastifyBaseLogger, fastify, LogController } from 'fastify';
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { TrustProxy } from '../config/network.js';
import type { Slotkeeper } from '../engine.js';
import { requireApiKey } from './auth.js';
import { closeConnectionsOnStop, HEADERS, RECEIVE_MS, receiveTimeouts } from './connections.js';
import { handleError } from './error-handler.js';
import { parseJsonBodies } from './json-body.js';
import { sendProblem } from './problem.js';
import { accountRoutes } from './routes/accounts.js';
import { accuracyRoutes } from './routes/accuracy.js';
import { bookingRoutes } from './routes/bookings.js';
import { calendarRoutes } from './routes/calendars.js';
import { conflictRoutes } from './routes/conflicts.js';
import { dayRoutes } from './routes/days.js';
import { eventRoutes } from './routes/events.js';
import { explainRoutes } from './routes/explain.js';
import { failedRoutes } from './routes/failed.js';
import { healthRoutes } from './routes/health.js';
import { heldRoutes } from './routes/held.js';
import { historyRoutes } from './routes/history.js';
import { metricsRoutes } from './routes/metrics.js';
import { notificationRoutes } from './routes/notifications.js';
import { pushRoutes } from './routes/push.js';
import { resyncRoutes } from './routes/resync.js';
import { snapshotRoutes } from './routes/snapshots.js';
import { statusRoutes } from './routes/status.js';
import type { Server } from './types.js';
import { validatorCompiler } from './validator.js';
import { WrongKeys } from './wrong-keys.js';

export interface AppOptions {
  readonly engine: Slotkeeper;
  readonly apiKey: string;
  /** How long a request may take to arrive, in milliseconds; default 60,000. */
  readonly receiveMs?: number;
  /** The proxies whose `X-Forwarded-For` header is trusted; default none. */
  readonly trustProxy?: TrustProxy | undefined;
}

/** In bytes; sufficient for a thousand events with windows. */
const BODY_LIMIT = 16 * 1024 * 1024;

export function createApp({ engine, apiKey, receiveMs = RECEIVE_MS, trustProxy }: AppOptions): Server {
  const log: FastifyBaseLogger = engine.log;
  const app: Server = fastify({
    loggerInstance: log,
    // Fastify's request log contains client addresses; the error handler logs errors.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT,
    schemaController: { compilersFactory: { buildValidator: unused, buildSerializer: unused } },
    forceCloseConnections: 'idle',
    ...(trustProxy === undefined ? {} : { trustProxy: toFastifyTrust(trustProxy) }),
    ...receiveTimeouts(receiveMs),
    // A request whose path cannot be decoded reaches neither a route nor a hook.
    frameworkErrors: (error, request, reply) => handleError(error, request, reply.headers(HEADERS)),
  }).withTypeProvider<ZodTypeProvider>();
  closeConnectionsOnStop(app, engine.timers);
  const wrongKeys = new WrongKeys({ log, timers: engine.timers });
  app.addHook('onReady', async () => wrongKeys.start());
  app.addHook('preClose', async () => wrongKeys.stop());
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(HEADERS);
    done();
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.removeContentTypeParser('text/plain');
  parseJsonBodies(app);
  app.setErrorHandler(handleError);
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, {
      status: 404,
      title: 'Not found',
      detail: `there is no ${request.method} ${request.url.split('?')[0]}`,
    }),
  );
  healthRoutes(app, engine);
  metricsRoutes(app, engine, wrongKeys);
  app.register(
    async (v1) => {
      v1.addHook('onRequest', requireApiKey(apiKey, wrongKeys));
      for (const routes of [
        eventRoutes,
        accountRoutes,
        calendarRoutes,
        bookingRoutes,
        conflictRoutes,
        dayRoutes,
        explainRoutes,
        statusRoutes,
        resyncRoutes,
        failedRoutes,
        notificationRoutes,
        snapshotRoutes,
        heldRoutes,
        historyRoutes,
        accuracyRoutes,
      ]) {
        routes(v1.withTypeProvider<ZodTypeProvider>(), engine);
      }
    },
    { prefix: '/v1' },
  );
  // The push endpoint has its own key and its own parser of bodies.
  app.register(async (v1) => pushRoutes(v1.withTypeProvider<ZodTypeProvider>(), engine, wrongKeys), {
    prefix: '/v1',
  });
  return app;
}

/** Prevents fastify from loading its default compilers, which the compilers below replace. */
const unused = (): never => {
  throw new Error('there is a compiler for schemas already');
};

/** Converts a number of hops, which fastify's types do not accept. */
const toFastifyTrust = (proxies: TrustProxy): string[] | ((address: string, hop: number) => boolean) =>
  typeof proxies === 'number' ? (_address, hop) => hop < proxies : proxies;
