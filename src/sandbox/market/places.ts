// What changes about an address, and is told: its services, its commercial type, whether it is the clients' at all.
// Contract: Notifications.
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { toldAddress } from '../notification-bodies.js';
import type { commercialTypeSchema, KnownAddress, KnownService } from '../seed.js';
import { commercialTypeOf, writtenService } from '../serialize.js';
import type { Actor } from './booking.js';
import type { Calendar } from './calendar.js';
import type { Market } from './market.js';
import type { NotificationName } from './notifications.js';

/** Ids. */
export interface ServiceChanges {
  readonly created: readonly string[];
  readonly changed: readonly string[];
  readonly deleted: readonly string[];
}

export type CommercialType = z.output<typeof commercialTypeSchema>;

/** Of a change that is not told the notifications are lost, for every client. */
export interface Telling {
  readonly told?: boolean | undefined;
}

/** One place in the marketplace. */
export interface Place {
  readonly calendar: Calendar;
  readonly address: KnownAddress;
}

/** The starts of services that are gone go with them. */
export function changeServices(
  market: Market,
  { calendar, address }: Place,
  services: readonly KnownService[],
  by: Actor,
  now: number,
  { told = true }: Telling = {},
): ServiceChanges {
  const before = new Map(address.services.map((service) => [service.id, service]));
  const after = new Set(services.map(({ id }) => id));
  const created = services.filter(({ id }) => !before.has(id));
  const changed = services.filter((service) => {
    const old = before.get(service.id);
    return old !== undefined && !isDeepStrictEqual(old, service);
  });
  const deleted = address.services.filter(({ id }) => !after.has(id));

  calendar.remember(now);
  address.services = [...services];
  calendar.schedule.keepServices((id) => market.directory.service(address, id) !== undefined);
  const tell = (name: NotificationName, all: readonly KnownService[]) => {
    for (const service of told ? all : []) {
      const about = { address_service: writtenService(service) };
      market.tell(calendar, { name, by, about }, now);
    }
  };
  tell('address-service-deleted', deleted);
  tell('address-service-changed', changed);
  tell('address-service-created', created);
  const ids = (all: readonly KnownService[]) => all.map(({ id }) => id);
  return { created: ids(created), changed: ids(changed), deleted: ids(deleted) };
}

/** False where it is so already. */
export function setCommercialType(market: Market, place: Place, type: CommercialType, now: number): boolean {
  if (commercialTypeOf(place.address) === type) return false;
  place.address.commercialType = type;
  tellOfAddress(market, place, 'address-commercial-type-changed', now);
  return true;
}

/** False where it is so already. */
export function assign(market: Market, place: Place, now: number, { told = true }: Telling = {}): boolean {
  if (place.address.assigned !== false) return false;
  place.address.assigned = true;
  if (told) tellOfAddress(market, place, 'address-assigned', now);
  return true;
}

/** False where it is so already. From here on requests are refused, and nothing is told. */
export function unassign(market: Market, place: Place, now: number, { told = true }: Telling = {}): boolean {
  if (place.address.assigned === false) return false;
  if (told) tellOfAddress(market, place, 'address-unassigned', now);
  place.address.assigned = false;
  return true;
}

function tellOfAddress(
  market: Market,
  { calendar, address }: Place,
  name: NotificationName,
  now: number,
): void {
  const about = { address: { ...toldAddress(address), commercial_type: commercialTypeOf(address) } };
  market.tell(calendar, { name, by: 'doctor', about }, now);
}

/** A basic address sells nothing. */
export function isCommercial({ address }: Pick<Place, 'address'>): boolean {
  return commercialTypeOf(address) !== 'basic';
}
