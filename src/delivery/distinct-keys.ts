import type { DeliveryKey } from '../db/tables/deliveries.js';

/** Each key once, in the order of their first occurrence. */
export function distinctKeys(keys: readonly DeliveryKey[]): DeliveryKey[] {
  const byId = new Map<string, DeliveryKey>();
  for (const { account, calendar, own = false } of keys)
    byId.set(JSON.stringify([account, calendar, own]), { account, calendar, own });
  return [...byId.values()];
}
