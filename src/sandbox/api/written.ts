// How things of the marketplace are written in answers and notifications. Contract: Resources, bookSlot, Notifications.
import type { KnownService } from '../estate.js';

export function writtenService(service: KnownService) {
  return {
    id: service.id,
    name: service.name ?? `Service ${service.id}`,
    price: service.price ?? 0,
    is_price_from: false,
  };
}
