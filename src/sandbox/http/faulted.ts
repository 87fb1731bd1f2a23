// What becomes of an answer when a request meets a fault.
import type { Encounter } from '../faults.js';
import { firewallPage, Refusal } from './answer.js';
import type { Delivery } from './deliver.js';
import { type Headers, tooManyAfter, withHeaders } from './limit-headers.js';

/** Whether nothing of the request is to reach the operation. */
export function isMetBeforeProcessing({ fault }: Encounter): boolean {
  switch (fault?.kind) {
    case undefined:
    case 'slow-body':
      return false;
    case 'cut':
      return fault.when === 'before';
    case 'status':
    case 'hang':
      return fault.applied !== true;
    case 'too-many':
    case 'firewall':
      return true;
  }
}

/** The operation's own answer, or what the fault makes of it. */
export function afterProcessing(
  met: Encounter,
  own: Delivery & { kind: 'answer' },
  headers: Headers,
): Delivery {
  if (met.fault === undefined) return own;
  if (met.fault.kind === 'slow-body') return { ...own, slow: { ms: met.fault.ms, letGo: met.letGo } };
  return faultDelivery(met, headers);
}

export function faultDelivery({ fault }: Encounter, headers: Headers): Delivery {
  switch (fault?.kind) {
    case 'hang':
      return { kind: 'hang' };
    case 'firewall':
      return { kind: 'answer', answer: firewallPage(fault.status) };
    case 'too-many':
      return { kind: 'answer', answer: withHeaders(tooManyAfter(fault.retryAfter), headers) };
    case 'status': {
      const retry = fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) };
      const refusal = new Refusal(fault.status, fault.message ?? 'A fault that was asked for.', {
        ...(fault.errors === undefined ? {} : { errors: fault.errors }),
        headers: retry,
      });
      return { kind: 'answer', answer: withHeaders(refusal.answer, headers) };
    }
    default:
      return { kind: 'cut' };
  }
}
