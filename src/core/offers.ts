/**
 * What is bookable in a window, checked and put in a form in which equal things are the same object: a set of services
 * in the order of their ids, with the insurance terms that hold for all of them.
 */

import { readTerms, type Terms } from './insurance-terms.js';
import { InvalidScheduleError } from './invalid-schedule-error.js';
import { isRecord } from './is-record.js';
import { readId } from './read-id.js';
import type { AddressService } from './types.js';

/** Within one {@link OfferReader}, windows offer the same exactly if they have the same Offer object. */
export interface Offer {
  readonly services: readonly AddressService[];
  readonly terms: Terms | undefined;
  /** Equal for equal terms. */
  readonly termsKey: string;
  /** Shortest duration, in minutes. */
  readonly shortest: number;
  /** Longest duration, in minutes. */
  readonly longest: number;
}

/** A window's offer as it was given. */
interface Given {
  readonly services: unknown;
  readonly insurance: unknown;
}

/** Reads the offers of one computation. `private` and not `#`, which costs Node 20 a microsecond for each new object. */
export class OfferReader {
  private first: Offer | undefined;
  private known: Map<string, Offer> | undefined;
  private last: (Given & { readonly offer: Offer }) | undefined;

  /** @throws InvalidScheduleError at a path below `windows[index]` */
  read(services: unknown, insurance: unknown, index: number): Offer {
    const given: Given = { services, insurance };
    if (this.last !== undefined && isSame(given, this.last)) return this.last.offer;
    const list = readServices(services, `windows[${index}].services`);
    const offer = this.intern(list, readTerms(insurance, `windows[${index}].insurance`));
    this.last = { services, insurance, offer };
    return offer;
  }

  /** The one Offer of these services, which must be in order. */
  intern(services: readonly AddressService[], terms: Terms | undefined): Offer {
    const offer = createOffer(services, terms);
    // Most computations read one offer, which is compared with none and needs no key.
    if (this.first === undefined) {
      this.first = offer;
      return offer;
    }
    this.known ??= new Map([[keyOf(this.first), this.first]]);
    const key = keyOf(offer);
    const known = this.known.get(key);
    if (known !== undefined) return known;
    this.known.set(key, offer);
    return offer;
  }
}

function createOffer(services: readonly AddressService[], terms: Terms | undefined): Offer {
  let shortest = Number.POSITIVE_INFINITY;
  let longest = 0;
  for (const { duration } of services) {
    shortest = Math.min(shortest, duration);
    longest = Math.max(longest, duration);
  }
  return { services, terms, termsKey: terms === undefined ? '' : JSON.stringify(terms), shortest, longest };
}

function keyOf({ services, termsKey }: Offer): string {
  let key = termsKey;
  for (const { address_service_id: id, duration } of services) key += `${id.length}:${id}${duration};`;
  return key;
}

/** Most windows of a calendar offer what the one before offers, and then nothing needs to be read again. */
function isSame(a: Given, b: Given): boolean {
  if (a.insurance !== b.insurance || !Array.isArray(a.services) || !Array.isArray(b.services)) return false;
  if (a.services.length !== b.services.length) return false;
  for (let i = 0; i < a.services.length; i++) {
    const one: unknown = a.services[i];
    const other: unknown = b.services[i];
    if (!isRecord(one) || !isRecord(other) || one.id !== other.id || one.duration !== other.duration)
      return false;
  }
  return true;
}

/**
 * Services in the order of their ids, each once.
 * @throws InvalidScheduleError at `path` or below it
 */
export function readServices(services: unknown, path: string): AddressService[] {
  if (!Array.isArray(services) || services.length === 0) {
    throw new InvalidScheduleError(path, 'must list at least one service');
  }
  const read: AddressService[] = [];
  for (let i = 0; i < services.length; i++) {
    const service: unknown = services[i];
    if (!isRecord(service)) throw new InvalidScheduleError(`${path}[${i}]`, 'must be an object');
    const { duration } = service;
    const id = readId(service.id);
    if (id === undefined) {
      throw new InvalidScheduleError(
        `${path}[${i}].id`,
        'must be the address service id, a text or a whole number',
      );
    }
    if (typeof duration !== 'number' || !Number.isSafeInteger(duration) || duration < 1) {
      throw new InvalidScheduleError(
        `${path}[${i}].duration`,
        'must be a whole number of minutes, at least 1',
      );
    }
    read.push({ address_service_id: id, duration });
  }
  return read.length === 1 ? read : removeDuplicates(read, path);
}

function removeDuplicates(services: readonly AddressService[], path: string): AddressService[] {
  const known = new Map<string, AddressService>();
  for (const [i, service] of services.entries()) {
    const { address_service_id: id, duration } = service;
    if ((known.get(id) ?? service).duration !== duration) {
      throw new InvalidScheduleError(
        `${path}[${i}].duration`,
        'differs from the same service above in this window',
      );
    }
    known.set(id, service);
  }
  return sortById([...known.values()]);
}

/** Sorts services by id, by code units: the order that needs no explanation in any language. */
export function sortById(services: AddressService[]): AddressService[] {
  return services.sort((a, b) => (a.address_service_id < b.address_service_id ? -1 : 1));
}
