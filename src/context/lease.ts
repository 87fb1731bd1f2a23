/**
 * Runs work under a calendar's lease. Every write to the marketplace for a calendar is sent under its lease, so that no two
 * writes for it are ever in flight, and every request passes the account's rate limiter.
 */
import { randomUUID } from 'node:crypto';
import { runPipelined } from '../db/pipeline.js';
import type { Db } from '../db/schema.js';
import type { Account } from '../db/tables/accounts.js';
import type { StoredCalendar } from '../db/tables/calendars.js';
import type { NewHistoryEntry } from '../db/tables/history.js';
import { acquireLease, releaseLease, renewLease } from '../db/tables/leases.js';
import { findRecentPayloads } from '../db/tables/payloads.js';
import { ConnectionError, DocplannerError, type GateAnswer, type RequestGate } from '../docplanner/index.js';
import { inFlightMs } from '../rate-limit/in-flight.js';
import type { RequestLimiter } from '../rate-limit/limiter.js';
import { openCircuit } from './circuit-breaker.js';
import type { CalendarContext, Dependencies, WriteSubject } from './context.js';
import { duplicateWindowMs } from './duplicate-window.js';
import { LeaseLostError } from './lease-lost-error.js';
import { PendingHistory } from './pending-history.js';

const GATEWAY_TIMEOUT = 504;

export type LeasedWork<T> =
  | { readonly kind: 'ran'; readonly result: T }
  /** Another worker holds the lease. */
  | { readonly kind: 'busy' };

/** For work that reads nothing together with the lease. */
export const readNothing = async (): Promise<void> => undefined;

/**
 * A write whose answer was lost may still be in flight, and would undo a later write. So the calendar stays leased after it
 * for as long as such a write can take.
 * @param read what the work reads first: it is sent together with the acquisition of the lease
 */
export async function withLease<T, First>(
  dependencies: Dependencies,
  calendar: StoredCalendar,
  account: Account,
  read: (db: Db) => Promise<First>,
  work: (context: CalendarContext, first: First) => Promise<T>,
): Promise<LeasedWork<T>> {
  const { clients, rateLimiter, ...rest } = dependencies;
  const { db, now, requestTimeoutMs } = dependencies;
  const token = randomUUID();
  const leaseMs = inFlightMs(requestTimeoutMs);
  const payloadsSince = new Date(now() - duplicateWindowMs(requestTimeoutMs));
  const [isAcquired, recentPayloads, first] = await runPipelined(db, (session) =>
    Promise.all([
      acquireLease(session, calendar.id, token, leaseMs),
      findRecentPayloads(session, calendar.id, payloadsSince),
      read(session),
    ]),
  );
  if (!isAcquired) return { kind: 'busy' };

  const requests = { reads: 0, writes: 0 };
  const history = new PendingHistory();
  const countingGate = (
    gate: RequestLimiter,
    beforeWrite?: (db: Db) => Promise<unknown>,
    subject: WriteSubject = {},
  ): RequestGate => {
    let sentAt = 0;
    return {
      before: async (request) => {
        await gate.before(request);
        if (!request.write) {
          requests.reads += 1;
          return;
        }
        try {
          const [isRenewed] = await runPipelined(db, (session) =>
            Promise.all([renewLease(session, calendar.id, token, leaseMs), beforeWrite?.(session)]),
          );
          if (!isRenewed) throw new LeaseLostError(calendar.id);
        } catch (error) {
          await gate.notSent(request);
          throw error;
        }
        requests.writes += 1;
        sentAt = now();
      },
      after: async (answer) => {
        if (answer.write) history.add(...toSentEntries(calendar, answer, subject, sentAt, now()));
        await gate.after(answer);
      },
    };
  };
  const client = clients.clientFor(account);
  let inDoubt = false;
  try {
    const context: CalendarContext = {
      ...rest,
      calendar,
      account,
      requests,
      unanswered: { bookings: new Set() },
      address: { wasRead: false },
      outdated: { count: 0 },
      history,
      recentPayloads,
      client: (priority, beforeWrite, subject) =>
        client.withGate(countingGate(rateLimiter.gate(account, priority), beforeWrite, subject)),
      withReservedReads: (compare) =>
        rateLimiter.withReservedReads(account, (gate) => compare(client.withGate(countingGate(gate)))),
      openCircuit: (reason) => openCircuit(dependencies, account, reason),
    };
    return { kind: 'ran', result: await work(context, first) };
  } catch (error) {
    inDoubt = isInDoubt(error);
    throw error;
  } finally {
    await runPipelined(db, (session) =>
      Promise.all([
        history.save(session),
        inDoubt
          ? renewLease(session, calendar.id, token, requestTimeoutMs)
          : releaseLease(session, calendar.id, token),
      ]),
    );
  }
}

/** One entry for each day of a write, or one where it concerns no days. */
function toSentEntries(
  calendar: StoredCalendar,
  { operation, status }: GateAnswer,
  { days = [{}], booking, ref }: WriteSubject,
  sentAt: number,
  answeredAt: number,
): NewHistoryEntry[] {
  const accepted = status !== undefined && status >= 200 && status < 300;
  return days.map(({ date, ...day }) => ({
    kind: 'sent',
    at: new Date(answeredAt),
    account: calendar.account,
    calendar: calendar.id,
    date,
    booking,
    ref,
    actor: 'engine',
    detail: {
      operation,
      // Null where no answer arrived.
      status: status ?? null,
      accepted,
      ms: answeredAt - sentAt,
      strategy: calendar.strategy,
      ...day,
    },
  }));
}

/** Whether a write may still be in flight although its answer was lost. */
export function isInDoubt(error: unknown): boolean {
  if (!(error instanceof DocplannerError) || error.method === 'GET') return false;
  // A gateway that timed out has not stopped the write.
  return error instanceof ConnectionError ? error.mayHaveApplied : error.status === GATEWAY_TIMEOUT;
}
