/** The headers that authenticate a request to a clinic, by the Standard Webhooks scheme. */
import { Webhook } from 'standardwebhooks';

/**
 * @param key the secret's bytes
 * @param id the same on every attempt, so that the clinic can recognize duplicates
 */
export function signHeaders(
  key: string | Uint8Array,
  id: string,
  at: Date,
  body: string,
): Record<string, string> {
  return {
    'content-type': 'application/json',
    'user-agent': 'slotkeeper',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(key, { format: 'raw' }).sign(id, at, body),
  };
}
