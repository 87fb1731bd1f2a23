/** Where a clinic wants to be told: its webhook, and the secret that it knows us by. */
import type { Account, Destination } from '../db/tables/accounts.js';

const PREFIX = 'whsec_';
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

export interface Addressee extends Destination {
  /** Named over HTTP and not by the operator. */
  readonly overHttp?: true | undefined;
}

/** The account's own, else the one for all. */
export const destinationOf = <ForAll extends Partial<Destination>>(
  { delivery, overHttp }: Account,
  forAll: ForAll | undefined,
): Addressee | ForAll | undefined => (delivery === undefined ? forAll : { ...delivery, overHttp });

/**
 * The bytes that sign. A receiver with a Standard Webhooks library is given `whsec_` and these bytes as base64.
 * @returns undefined where it says `whsec_`, and no base64 after it
 */
export function keyOf(secret: string): Buffer | undefined {
  if (!secret.startsWith(PREFIX)) return Buffer.from(secret, 'utf8');
  const encoded = secret.slice(PREFIX.length);
  return BASE64.test(encoded) ? Buffer.from(encoded, 'base64') : undefined;
}
