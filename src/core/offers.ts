/**
 * Validates and interns the offers of windows. An offer is a set of services sorted by id and their common insurance terms.
 * Equal offers of one computation are the same object.
 */
import { readTerms, type Terms } from './insurance-terms.js';
import { InvalidScheduleError } from './invalid-schedule-error.js';
import { isRecord } from './is-record.js';
import { readId } from './read-id.js';
import type { AddressService } from './types.js';

/** Two windows have equal offers exactly if their Offer object from one {@link OfferReader} is the same. */
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

/** The unparsed offer of a window. */
interface OfferInput {
  readonly services: unknown;
  readonly insurance: unknown;
}

/**
 * Parses the offers of one computation. Members are `private` instead of `#`, because `#` costs Node 20 one microsecond
 * for each new object.
 */
export class OfferReader {
  private first: Offer | undefined;
  private known: Map<string, Offer> | undefined;
  private last: (OfferInput & { readonly offer: Offer }) | undefined;

  /** @throws InvalidScheduleError at a path below `windows[index]` */
  read(services: unknown, insurance: unknown, index: number): Offer {
    const input: OfferInput = { services, insurance };
    if (this.last !== undefined && isSame(input, this.last)) return this.last.offer;
    const list = readServices(services, `windows[${index}].services`);
    const offer = this.intern(list, readTerms(insurance, `windows[${index}].insurance`));
    this.last = { services, insurance, offer };
    return offer;
  }

  /** Returns the interned Offer of services and terms. The services must be sorted by id. */
  intern(services: readonly AddressService[], terms: Terms | undefined): Offer {
    const offer = createOffer(services, terms);
    // Most computations have one offer, so its key is computed only when a second offer appears.
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

/**
 * Whether two unparsed offers are equal. Most windows repeat the offer of the previous window, so its parsed offer is
 * reused.
 */
function isSame(a: OfferInput, b: OfferInput): boolean {
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
 * Returns the services sorted by id without duplicates.
 * @throws InvalidScheduleError at `path` or below it
 */
export function readServices(services: unknown, path: string): AddressService[] {
  if (!Array.isArray(services) || services.length === 0) {
    throw new InvalidScheduleError(path, 'must list at least one service');
  }
  const parsed: AddressService[] = [];
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
    parsed.push({ address_service_id: id, duration });
  }
  return parsed.length === 1 ? parsed : removeDuplicates(parsed, path);
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

/** Sorts services by id in place, in the order of UTF-16 code units, which does not depend on a locale. */
export function sortById(services: AddressService[]): AddressService[] {
  return services.sort((a, b) => (a.address_service_id < b.address_service_id ? -1 : 1));
}
