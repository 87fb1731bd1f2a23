/**
 * A run: a calendar in hand, under its lease. Whoever writes to the marketplace for a calendar does it in one, so that
 * no two writes for it are ever in flight, and every request goes through the account's budget.
 */
import { randomUUID } from 'node:crypto';
import type { Account } from '../db/tables/accounts.js';
import type { StoredCalendar } from '../db/tables/calendars.js';
import { acquireLease, releaseLease, renewLease } from '../db/tables/leases.js';
import { ConnectionError, DocplannerError, type RequestGate } from '../docplanner/index.js';
import { inFlightMs } from '../rate-limit/in-flight.js';
import type { RequestLimiter } from '../rate-limit/limiter.js';
import { openCircuit } from './circuit-breaker.js';
import type { CalendarContext, Dependencies } from './context.js';
import { LeaseLostError } from './lease-lost-error.js';

const GATEWAY_TIMEOUT = 504;

export type LeasedWork<T> = { readonly kind: 'ran'; readonly result: T } | { readonly kind: 'taken' };

/**
 * Runs it under the lease, or says that somebody else has the calendar.
 *
 * A write that nobody waits for any more may still be under way in the marketplace, and would undo what is sent after
 * it. So after one the calendar stays leased for as long as such a write can take.
 */
export async function withLease<T>(
  dependencies: Dependencies,
  calendar: StoredCalendar,
  account: Account,
  work: (run: CalendarContext) => Promise<T>,
): Promise<LeasedWork<T>> {
  const { clients, budget, ...rest } = dependencies;
  const { db, requestTimeoutMs } = dependencies;
  const token = randomUUID();
  const leaseMs = inFlightMs(requestTimeoutMs);
  if (!(await acquireLease(db, calendar.id, token, leaseMs))) return { kind: 'taken' };

  const requests = { reads: 0, writes: 0 };
  const counted = (gate: RequestLimiter, aboutToWrite?: () => Promise<void>): RequestGate => ({
    before: async (request) => {
      await gate.before(request);
      if (!request.write) {
        requests.reads += 1;
        return;
      }
      try {
        await aboutToWrite?.();
        if (!(await renewLease(db, calendar.id, token, leaseMs))) throw new LeaseLostError(calendar.id);
      } catch (error) {
        await gate.notSent(request);
        throw error;
      }
      requests.writes += 1;
    },
    after: (answer) => gate.after(answer),
  });
  const client = clients.of(account);
  let inDoubt = false;
  try {
    const run: CalendarContext = {
      ...rest,
      calendar,
      account,
      requests,
      unanswered: { bookings: new Set() },
      address: { wasRead: false },
      outdated: { count: 0 },
      client: (priority, aboutToWrite) =>
        client.through(counted(budget.gate(account, priority), aboutToWrite)),
      comparing: (compare) => budget.comparing(account, (gate) => compare(client.through(counted(gate)))),
      openCircuit: (reason) => openCircuit(dependencies, account, reason),
    };
    return { kind: 'ran', result: await work(run) };
  } catch (error) {
    inDoubt = isInDoubt(error);
    throw error;
  } finally {
    if (inDoubt) await renewLease(db, calendar.id, token, requestTimeoutMs);
    else await releaseLease(db, calendar.id, token);
  }
}

/** Whether a write may still be under way although its answer was not waited for. */
export function isInDoubt(error: unknown): boolean {
  if (!(error instanceof DocplannerError) || error.method === 'GET') return false;
  // A gateway that gave up on it has ended nothing.
  return error instanceof ConnectionError ? error.mayHaveApplied : error.status === GATEWAY_TIMEOUT;
}
