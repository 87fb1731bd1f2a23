// Requests approval from clients before a patient books or moves. A 2xx in time approves, everything else denies.
// Contract: Notifications.
import { z } from 'zod';
import type { OutgoingNotification } from '../market/notifications.js';
import type { ParsedClient } from '../seed.js';
import type { PartnerRequests } from './partner-requests.js';
import { isSuccess, type PartnerResponse } from './post.js';

const APPROVAL_TIMEOUT_MS = 2_000;
const denialSchema = z.object({ error_code: z.int() });

export type Approval =
  | { readonly approved: true }
  | {
      readonly approved: false;
      /** The reason to show to the patient, as agreed with the marketplace; undefined when the client sent none. */
      readonly errorCode: number | undefined;
    };

/** An approval request has the shape of a notification. */
export type RequestApproval = (request: OutgoingNotification) => Promise<Approval>;

/** Sends the request to all clients with `asks` at once. The first client in the list that denies decides. */
export function createApprovalRequester(
  partnerRequests: PartnerRequests,
  clientOf: (id: string) => ParsedClient | undefined,
): RequestApproval {
  return async ({ clients, notification, bookingId }) => {
    const responses = clients.flatMap((id) => {
      const { asks, push, askTimeoutMs: timeoutMs = APPROVAL_TIMEOUT_MS } = clientOf(id) ?? {};
      if (asks !== true || push === undefined) return [];
      return [
        partnerRequests.send({ client: id, push, notification, bookingId, attempt: 1, timeoutMs }).response,
      ];
    });
    const denial = (await Promise.all(responses)).map(toApproval).find(({ approved }) => !approved);
    return denial ?? { approved: true };
  };
}

function toApproval(response: PartnerResponse | undefined): Approval {
  return isSuccess(response) ? { approved: true } : { approved: false, errorCode: parseErrorCode(response) };
}

function parseErrorCode(response: PartnerResponse | undefined): number | undefined {
  if (response === undefined || response.status < 400 || response.status > 499) return undefined;
  if (!/^application\/json\b/i.test(response.contentType)) return undefined;
  try {
    return denialSchema.safeParse(JSON.parse(response.text)).data?.error_code;
  } catch {
    return undefined;
  }
}
