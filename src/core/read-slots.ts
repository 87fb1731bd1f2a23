/** Parses slots, which come from the core or from stored JSON. */
import { requireInstant, requireZone } from './civil.js';
import { MINUTE } from './duration.js';
import { InvalidScheduleError } from './invalid-schedule-error.js';
import { isRecord } from './is-record.js';
import { readId } from './read-id.js';
import type { Span } from './span.js';
import type { AddressService } from './types.js';
import type { Zone } from './zone.js';

export interface ReadSlot extends Span {
  readonly services: readonly AddressService[];
  /** Equal for equal insurance terms. */
  readonly terms: string;
  /** The given zone. Without one, the fixed offset of `start`. */
  readonly zone: Zone;
}

/** Milliseconds. No local date is longer than this. */
const MAX_SLOT_MS = 48 * 60 * MINUTE;

/**
 * Parses slots. An entry without services is omitted, because it offers nothing. Contract: replaceSlots.
 * @throws InvalidScheduleError at `path` or below it
 */
export function readSlots(slots: unknown, path: string, zone?: Zone): ReadSlot[] {
  if (!Array.isArray(slots)) throw new InvalidScheduleError(path, 'must be a list of slots');
  return slots
    .map((slot: unknown, i) => readSlot(slot, `${path}[${i}]`, zone))
    .filter((slot) => slot.services.length > 0);
}

function readSlot(slot: unknown, path: string, zone: Zone | undefined): ReadSlot {
  if (!isRecord(slot)) throw new InvalidScheduleError(path, 'must be an object');
  const start = requireInstant(slot.start, zone, `${path}.start`);
  const end = requireInstant(slot.end, zone, `${path}.end`);
  if (end <= start) throw new InvalidScheduleError(`${path}.end`, 'must be after the start');
  if (end - start > MAX_SLOT_MS)
    throw new InvalidScheduleError(`${path}.end`, 'must be on the date of the start');
  const services = readAddressServices(slot.address_services ?? [], `${path}.address_services`);
  const terms = [
    slot.insurance_accepted,
    sortedIds(slot.insurance_providers),
    sortedIds(slot.insurance_plans),
  ];
  return { start, end, services, terms: JSON.stringify(terms), zone: zone ?? zoneOfOffset(slot.start) };
}

function zoneOfOffset(start: unknown): Zone {
  const [, hours = '+00', minutes = '00'] = /([+-]\d\d):?(\d\d)$/.exec(String(start)) ?? [];
  return requireZone(`UTC${hours}:${minutes}`);
}

function readAddressServices(services: unknown, path: string): AddressService[] {
  if (!Array.isArray(services)) throw new InvalidScheduleError(path, 'must be a list of services');
  return services.map((service: unknown, i) => {
    if (!isRecord(service)) throw new InvalidScheduleError(`${path}[${i}]`, 'must be an object');
    const { duration } = service;
    const id = readId(service.address_service_id);
    if (id === undefined) {
      throw new InvalidScheduleError(`${path}[${i}].address_service_id`, 'must be a text or a whole number');
    }
    if (typeof duration !== 'number' || !Number.isSafeInteger(duration) || duration < 1) {
      throw new InvalidScheduleError(
        `${path}[${i}].duration`,
        'must be a whole number of minutes, at least 1',
      );
    }
    return { address_service_id: id, duration };
  });
}

function sortedIds(ids: unknown): unknown {
  return Array.isArray(ids) ? ids.map(String).sort() : undefined;
}
