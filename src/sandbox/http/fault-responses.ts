// Turns the faults drawn for a request into its response.
import type { DrawnFaults } from '../fault-injector.js';
import { type ResponseHeaders, tooManyRequestsAfter, withHeaders } from './limit-headers.js';
import type { ResponseAction } from './respond.js';
import { ApiError, firewallPage } from './response.js';

/** Whether the fault prevents the operation from running. */
export function preventsProcessing({ fault }: DrawnFaults): boolean {
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

/** The operation's own response, or the response of the fault. */
export function applyAfterProcessing(
  faults: DrawnFaults,
  own: ResponseAction & { kind: 'answer' },
  headers: ResponseHeaders,
): ResponseAction {
  if (faults.fault === undefined) return own;
  if (faults.fault.kind === 'slow-body')
    return { ...own, slow: { ms: faults.fault.ms, resume: faults.resume } };
  return faultResponse(faults, headers);
}

export function faultResponse({ fault }: DrawnFaults, headers: ResponseHeaders): ResponseAction {
  switch (fault?.kind) {
    case 'hang':
      return { kind: 'hang' };
    case 'firewall':
      return { kind: 'answer', answer: firewallPage(fault.status) };
    case 'too-many':
      return { kind: 'answer', answer: withHeaders(tooManyRequestsAfter(fault.retryAfter), headers) };
    case 'status': {
      const retry = fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) };
      const refusal = new ApiError(fault.status, fault.message ?? 'An injected fault.', {
        ...(fault.errors === undefined ? {} : { errors: fault.errors }),
        headers: retry,
      });
      return { kind: 'answer', answer: withHeaders(refusal.response, headers) };
    }
    default:
      return { kind: 'cut' };
  }
}
