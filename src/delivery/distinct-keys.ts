import type { DeliveryKey } from '../db/tables/deliveries.js';

/** Each account and calendar once, in the order of their first occurrence. */
export function distinctKeys(keys: readonly DeliveryKey[]): DeliveryKey[] {
  const byId = new Map<string, DeliveryKey>();
  for (const { account, calendar } of keys)
    byId.set(JSON.stringify([account, calendar]), { account, calendar });
  return [...byId.values()];
}
