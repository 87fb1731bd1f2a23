/** The headers by which a clinic knows that a request is ours: the Standard Webhooks scheme. */
import { Webhook } from 'standardwebhooks';

/**
 * @param key the secret's bytes
 * @param id the same on every attempt, so that the clinic knows it again
 */
export function signed(key: string | Uint8Array, id: string, at: Date, body: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    'user-agent': 'slotkeeper',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(key, { format: 'raw' }).sign(id, at, body),
  };
}
