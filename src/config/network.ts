/** Validates IP addresses and networks of the configuration and the environment. */
import { isIP } from 'node:net';
import { z } from 'zod';

export const isNetwork = (value: string): boolean => {
  const [address = '', bits, ...rest] = value.split('/');
  const maxBits = isIP(address) === 4 ? 32 : 128;
  return (
    isIP(address) !== 0 &&
    rest.length === 0 &&
    (bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= maxBits))
  );
};

/** An IP address, or a network such as 192.0.2.0/24. */
export const networkSchema = z
  .string()
  .refine(isNetwork, 'is neither an address nor a network such as 192.0.2.0/24');

/** The proxies whose forwarding headers are trusted: a number of hops, or a list of addresses and networks. */
export type TrustProxy = number | string[];

const MAX_HOPS = 10;

export const trustProxySchema = z
  .string()
  .transform(
    (value): TrustProxy => (/^\d+$/.test(value) ? Number(value) : value.split(',').map((one) => one.trim())),
  )
  .refine(
    (proxies) =>
      typeof proxies === 'number' ? proxies >= 1 && proxies <= MAX_HOPS : proxies.every(isNetwork),
    `must be a number of proxies, 1 to ${MAX_HOPS}, or their addresses and networks with commas between them`,
  );
