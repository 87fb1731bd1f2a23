/** For a clinic's system: verifies that a request to its webhook is from Slotkeeper, by the Standard Webhooks scheme. */
import { timingSafeEqual } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { MINUTE } from '../core/duration.js';
import type { ApprovalQuestion, NotificationItem } from '../db/tables/notification-item.js';
import { signingKeyOf } from './destination.js';

/** A request as it was received. */
export interface WebhookRequest {
  /** Node's `request.headers`, or fetch's `Headers`. */
  readonly headers:
    | { readonly [name: string]: string | readonly string[] | undefined }
    | { get(name: string): string | null };
  /** The body before it is parsed: the signature is over its bytes. */
  readonly body: string | Uint8Array;
}

/** A request to a webhook is not from Slotkeeper, or not signed recently. The message contains nothing of the request. */
export class WebhookVerificationError extends Error {
  override readonly name = 'WebhookVerificationError';
  /** `headers`: one is missing or malformed. `time`: signed too long before or after now. `signature`: another key or another body. `body`: not JSON. */
  readonly reason: 'headers' | 'time' | 'signature' | 'body';

  constructor(reason: WebhookVerificationError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

const TOLERANCE_MS = 5 * MINUTE;

/**
 * Checks the signature and the time of a request to a webhook, and returns its payload. Answer 401 when it throws.
 *
 * @param secret the value of `delivery.secret`, with or without `whsec_`
 * @param now epoch milliseconds; the request must be signed at most 5 minutes before or after. Default: the system's clock
 * @throws {WebhookVerificationError} where the request is not from Slotkeeper, or not signed within that time
 * @throws {TypeError} where the secret is empty, or `whsec_` without base64 after it
 *
 * @example
 * const notification = verifyWebhook({ headers: request.headers, body }, secret);
 * if (notification.name === 'slot-booked' && notification.data !== null) {
 *   console.log(notification.data.visit_booking.start_at);
 * }
 */
export function verifyWebhook<Payload extends NotificationItem | ApprovalQuestion = NotificationItem>(
  { headers, body }: WebhookRequest,
  secret: string,
  now: number = Date.now(),
): Payload {
  const key = signingKeyOf(secret);
  if (key === undefined || key.length === 0)
    throw new TypeError('the secret is empty, or not base64 after whsec_');
  const id = header(headers, 'webhook-id');
  const signature = header(headers, 'webhook-signature');
  const timestamp = header(headers, 'webhook-timestamp');
  if (
    id === undefined ||
    signature === undefined ||
    timestamp === undefined ||
    !/^\d{1,12}$/.test(timestamp)
  ) {
    throw new WebhookVerificationError(
      'headers',
      'webhook-id, webhook-timestamp and webhook-signature are required',
    );
  }
  const at = new Date(Number(timestamp) * 1000);
  if (!(Math.abs(now - at.getTime()) <= TOLERANCE_MS)) {
    throw new WebhookVerificationError(
      'time',
      'the request was signed more than 5 minutes before or after now',
    );
  }
  const text = typeof body === 'string' ? body : Buffer.from(body).toString('utf8');
  const expected = Buffer.from(new Webhook(key, { format: 'raw' }).sign(id, at, text));
  // The header contains several signatures while a secret is replaced.
  const isSigned = signature.split(' ').some((one) => isSame(Buffer.from(one), expected));
  if (!isSigned)
    throw new WebhookVerificationError('signature', 'the request is not signed with this secret');
  try {
    return JSON.parse(text) as Payload;
  } catch {
    throw new WebhookVerificationError('body', 'the signed body is not JSON');
  }
}

const isSame = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && timingSafeEqual(one, other);

function header(headers: WebhookRequest['headers'], name: string): string | undefined {
  if (typeof headers.get === 'function') return headers.get(name) ?? undefined;
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof found === 'string' ? found : undefined;
}
