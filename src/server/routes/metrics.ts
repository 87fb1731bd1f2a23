/** Prometheus metrics of the engine's state, and of what this process counts. They contain no calendar, doctor or patient. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { MINUTE, SECOND } from '../../core/duration.js';
import { findLastResync, sumLastComparisons } from '../../db/tables/resync-reports.js';
import type { Slotkeeper } from '../../engine.js';
import { CachedValue } from '../../lib/cached-value.js';
import type { Server } from '../types.js';
import type { WrongKeys } from '../wrong-keys.js';

const MAX_AGE_MS = 5_000;
/** Comparisons change once a night, and summing those of thousands of calendars takes a tenth of a second. */
const COMPARISONS_MAX_AGE_MS = MINUTE;

export const metricsRoutes = (server: Server, engine: Slotkeeper, wrongKeys: WrongKeys): void => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `slotkeeper_${name}`, help, labelNames, registers: [registry] });
  const days = gauge('days', 'Days in the horizon, by state', ['state']);
  const closing = gauge('closing_calendars', 'Deleted calendars and former addresses that are being closed');
  const conflicts = gauge('conflicts', 'Times that are sold twice');
  const accounts = gauge('accounts', 'Accounts, by state', ['state']);
  const lag = gauge('lag_seconds', 'Age of the oldest change that is not published');
  const notifications = gauge('notifications', 'Notifications, by state of their delivery', ['state']);
  const undelivered = gauge(
    'notifications_lag_seconds',
    'Age of the oldest notification that is not delivered',
  );
  const jobs = gauge('jobs', 'Jobs, by queue and state', ['queue', 'state']);
  const matchRatio = gauge(
    'match_ratio',
    'Share of the days that showed what they should, in the last comparison of each calendar; NaN without one',
  );
  const driftDays = gauge(
    'drift_days',
    'Days that differed in the last comparison of each calendar by a resync, by kind',
    ['kind'],
  );
  const lastResync = gauge(
    'resync_last_success_timestamp_seconds',
    'When a resync last finished successfully; 0 if none did',
  );
  const lastEvent = gauge(
    'event_last_received_timestamp_seconds',
    'When an event or a snapshot was last received, to the minute; 0 if none was',
  );

  const refused = new Counter({
    name: 'slotkeeper_refused_keys_total',
    help: 'Requests with a wrong or missing key, by endpoint',
    labelNames: ['endpoint'],
    registers: [registry],
  });

  const lastComparisons = new CachedValue({ timers: engine.timers, maxAgeMs: COMPARISONS_MAX_AGE_MS }, () =>
    sumLastComparisons(engine.db),
  );
  // The cache limits the cost of a route that needs no key.
  const metrics = new CachedValue({ timers: engine.timers, maxAgeMs: MAX_AGE_MS }, async () => {
    const status = await engine.status();
    for (const state of ['pending', 'failed', 'held'] as const) days.set({ state }, status[state]);
    closing.set(status.closing);
    conflicts.set(status.conflicts);
    for (const state of ['working', 'paused', 'refused'] as const) {
      accounts.set({ state }, status.accounts.filter((account) => account.state === state).length);
    }
    lag.set(status.lag / 1000);
    for (const state of ['undelivered', 'failed'] as const) {
      notifications.set({ state }, status.notifications[state]);
    }
    undelivered.set(status.notifications.lag / 1000);
    refused.reset();
    for (const endpoint of ['api', 'push'] as const) refused.inc({ endpoint }, wrongKeys.counts[endpoint]);
    jobs.reset();
    for (const [queue, states] of Object.entries(status.queues)) {
      for (const [state, count] of Object.entries(states)) jobs.set({ queue, state }, count);
    }
    const { comparedDays, matchedDays, ...drift } = await lastComparisons.get();
    matchRatio.set(matchedDays / comparedDays);
    for (const [kind, count] of Object.entries(drift)) driftDays.set({ kind }, count);
    lastResync.set(toSeconds(await findLastResync(engine.db)));
    const heard = status.accounts.flatMap(({ lastHeard }) =>
      lastHeard === null ? [] : [new Date(lastHeard)],
    );
    lastEvent.set(Math.max(0, ...heard.map(toSeconds)));
    return await Registry.merge([registry, engine.metrics]).metrics();
  });

  server.get('/metrics', async (_, reply) => reply.type(registry.contentType).send(await metrics.get()));
};

const toSeconds = (at: Date | null): number => (at?.getTime() ?? 0) / SECOND;
