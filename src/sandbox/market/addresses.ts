// Changes an address and notifies its clients: its services, its commercial type, its assignment to the clients.
// Contract: Notifications.
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { buildNotifiedAddress } from '../notification-bodies.js';
import type { commercialTypeSchema, ParsedAddress, ParsedService } from '../seed.js';
import { commercialTypeOf, serializeService } from '../serialize.js';
import type { Actor } from './booking.js';
import type { Calendar } from './calendar.js';
import type { Market } from './market.js';
import type { NotificationName } from './notifications.js';

/** Ids of address services. */
export interface ServiceChanges {
  readonly created: readonly string[];
  readonly changed: readonly string[];
  readonly deleted: readonly string[];
}

export type CommercialType = z.output<typeof commercialTypeSchema>;

/** Whether a change is notified (`told`, default true); otherwise no client gets its notifications. */
export interface NotifyOptions {
  readonly told?: boolean | undefined;
}

/** An address and its calendar. */
export interface AddressCalendar {
  readonly calendar: Calendar;
  readonly address: ParsedAddress;
}

/** Replaces the services of an address. The starts of removed services are removed too. */
export function changeServices(
  market: Market,
  { calendar, address }: AddressCalendar,
  services: readonly ParsedService[],
  by: Actor,
  now: number,
  { told = true }: NotifyOptions = {},
): ServiceChanges {
  const before = new Map(address.services.map((service) => [service.id, service]));
  const after = new Set(services.map(({ id }) => id));
  const created = services.filter(({ id }) => !before.has(id));
  const changed = services.filter((service) => {
    const old = before.get(service.id);
    return old !== undefined && !isDeepStrictEqual(old, service);
  });
  const deleted = address.services.filter(({ id }) => !after.has(id));

  calendar.saveState(now);
  address.services = [...services];
  calendar.schedule.removeServicesExcept((id) => market.directory.findService(address, id) !== undefined);
  const notify = (name: NotificationName, all: readonly ParsedService[]) => {
    for (const service of told ? all : []) {
      const data = { address_service: serializeService(service) };
      market.notify(calendar, { name, by, data }, now);
    }
  };
  notify('address-service-deleted', deleted);
  notify('address-service-changed', changed);
  notify('address-service-created', created);
  const ids = (all: readonly ParsedService[]) => all.map(({ id }) => id);
  return { created: ids(created), changed: ids(changed), deleted: ids(deleted) };
}

/** Returns false when the type is the same. */
export function setCommercialType(
  market: Market,
  target: AddressCalendar,
  type: CommercialType,
  now: number,
): boolean {
  if (commercialTypeOf(target.address) === type) return false;
  target.address.commercialType = type;
  notifyAddress(market, target, 'address-commercial-type-changed', now);
  return true;
}

/** Returns false when the address is assigned already. */
export function assignAddress(
  market: Market,
  target: AddressCalendar,
  now: number,
  { told = true }: NotifyOptions = {},
): boolean {
  if (target.address.assigned !== false) return false;
  target.address.assigned = true;
  if (told) notifyAddress(market, target, 'address-assigned', now);
  return true;
}

/** Returns false when the address is unassigned already. Afterwards requests are refused and no change is notified. */
export function unassignAddress(
  market: Market,
  target: AddressCalendar,
  now: number,
  { told = true }: NotifyOptions = {},
): boolean {
  if (target.address.assigned === false) return false;
  if (told) notifyAddress(market, target, 'address-unassigned', now);
  target.address.assigned = false;
  return true;
}

function notifyAddress(
  market: Market,
  { calendar, address }: AddressCalendar,
  name: NotificationName,
  now: number,
): void {
  const data = { address: { ...buildNotifiedAddress(address), commercial_type: commercialTypeOf(address) } };
  market.notify(calendar, { name, by: 'doctor', data }, now);
}

/** A `basic` address is not commercial: it offers no slots. */
export function isCommercial({ address }: Pick<AddressCalendar, 'address'>): boolean {
  return commercialTypeOf(address) !== 'basic';
}
