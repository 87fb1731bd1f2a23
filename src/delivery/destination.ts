/** The destination of an account's notifications: its webhook, and the secret that signs the requests. */
import type { Account, Destination } from '../db/tables/accounts.js';

const PREFIX = 'whsec_';
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

export interface WebhookTarget extends Destination {
  /** Whether the URL was put over HTTP and not configured by the operator. */
  readonly overHttp?: true | undefined;
}

/** The account's own destination, else the fallback for accounts without one. */
export const destinationOf = <Fallback extends Partial<Destination>>(
  { delivery, overHttp }: Account,
  fallback: Fallback | undefined,
): WebhookTarget | Fallback | undefined => (delivery === undefined ? fallback : { ...delivery, overHttp });

/**
 * The bytes that sign. A receiver with a Standard Webhooks library is configured with `whsec_` and these bytes as base64.
 * @returns undefined where the secret starts with `whsec_` and no base64 follows
 */
export function signingKeyOf(secret: string): Buffer | undefined {
  if (!secret.startsWith(PREFIX)) return Buffer.from(secret, 'utf8');
  const encoded = secret.slice(PREFIX.length);
  return BASE64.test(encoded) ? Buffer.from(encoded, 'base64') : undefined;
}
