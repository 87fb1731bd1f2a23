// Asks clients whether a patient may book or move: a 2xx in time agrees, everything else refuses. Contract: Notifications.
import { z } from 'zod';
import type { Told } from '../market/notifications.js';
import type { KnownClient } from '../seed.js';
import type { Outbound } from './outbound.js';
import { isSuccess, type PartnerAnswer } from './post.js';

const ASK_TIMEOUT_MS = 2_000;
const refusalSchema = z.object({ error_code: z.int() });

export type Verdict =
  | { readonly approved: true }
  | {
      readonly approved: false;
      /** What the patient is told, as agreed with the marketplace; undefined where the client did not say. */
      readonly errorCode: number | undefined;
    };

/** A question has the shape of what is told. */
export type Ask = (question: Told) => Promise<Verdict>;

/** All clients that want to be asked are, at once; the first of them that refuses decides. */
export function asker(outbound: Outbound, clientOf: (id: string) => KnownClient | undefined): Ask {
  return async ({ audience, notification, bookingId }) => {
    const answers = audience.flatMap((id) => {
      const { asks, push, askTimeoutMs: timeoutMs = ASK_TIMEOUT_MS } = clientOf(id) ?? {};
      if (asks !== true || push === undefined) return [];
      return [outbound.send({ client: id, push, notification, bookingId, attempt: 1, timeoutMs }).answer];
    });
    const refusal = (await Promise.all(answers)).map(verdictOf).find(({ approved }) => !approved);
    return refusal ?? { approved: true };
  };
}

function verdictOf(answer: PartnerAnswer | undefined): Verdict {
  return isSuccess(answer) ? { approved: true } : { approved: false, errorCode: errorCodeOf(answer) };
}

function errorCodeOf(answer: PartnerAnswer | undefined): number | undefined {
  if (answer === undefined || answer.status < 400 || answer.status > 499) return undefined;
  if (!/^application\/json\b/i.test(answer.contentType)) return undefined;
  try {
    return refusalSchema.safeParse(JSON.parse(answer.text)).data?.error_code;
  } catch {
    return undefined;
  }
}
