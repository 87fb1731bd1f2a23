// Answers who and what exists. Without an estate everything exists on first use; with one, nothing else does.
import type { AddressRef } from './address.js';
import type {
  KnownAddress,
  KnownClient,
  KnownDoctor,
  KnownEstate,
  KnownFacility,
  KnownService,
} from './seed.js';

/** Outside: not this client's, 403. Gone: its own, but not there, 404. */
export type Lookup<Found> =
  | { readonly state: 'found'; readonly found: Found }
  | { readonly state: 'outside' }
  | { readonly state: 'gone'; readonly what: 'Doctor' | 'Address' };

export class Directory {
  readonly #facilities = new Map<string, KnownFacility>();
  readonly #clients: ReadonlyMap<string, KnownClient> | undefined;
  readonly #open: boolean;
  /** In an open estate: who used a facility, and so hears of it. */
  readonly #users = new Map<string, Set<string>>();

  constructor(estate: KnownEstate | undefined, clients: readonly KnownClient[] | undefined) {
    this.#open = estate === undefined;
    for (const facility of estate?.facilities ?? []) this.#facilities.set(facility.id, facility);
    this.#clients = clients && new Map(clients.map((client) => [client.id, client]));
  }

  /** Without a list of clients, any credentials that are not empty are right. */
  authenticate(id: string, secret: string): boolean {
    if (this.#clients === undefined) return id !== '' && secret !== '';
    return this.#clients.get(id)?.secret === secret;
  }

  client(id: string): KnownClient | undefined {
    return this.#clients?.get(id);
  }

  facilitiesOf(client: string): readonly KnownFacility[] {
    return [...this.#facilities.values()].filter((facility) => this.#mayEnter(client, facility.id));
  }

  facility(client: string, facilityId: string): Lookup<KnownFacility> {
    if (!this.#mayEnter(client, facilityId)) return { state: 'outside' };
    if (this.#open) this.#use(client, facilityId);
    const found = this.#facilities.get(facilityId) ?? this.#make(facilityId);
    return found === undefined ? { state: 'outside' } : { state: 'found', found };
  }

  doctor(client: string, facilityId: string, doctorId: string): Lookup<KnownDoctor> {
    const facility = this.facility(client, facilityId);
    if (facility.state !== 'found') return facility;
    const found = findDoctor(facility.found, doctorId, this.#open);
    return found === undefined ? { state: 'gone', what: 'Doctor' } : { state: 'found', found };
  }

  address(client: string, ref: AddressRef): Lookup<KnownAddress> {
    const doctor = this.doctor(client, ref.facilityId, ref.doctorId);
    if (doctor.state !== 'found') return doctor;
    const found = findAddress(doctor.found, ref.addressId, this.#open);
    if (found?.assigned === false) return { state: 'outside' };
    return found === undefined ? { state: 'gone', what: 'Address' } : { state: 'found', found };
  }

  /** For the sandbox's operator, who is nobody's client. */
  find(ref: AddressRef): { facility: KnownFacility; doctor: KnownDoctor; address: KnownAddress } | undefined {
    const facility = this.#facilities.get(ref.facilityId) ?? this.#make(ref.facilityId);
    const doctor = facility && findDoctor(facility, ref.doctorId, this.#open);
    const address = doctor && findAddress(doctor, ref.addressId, this.#open);
    return facility && doctor && address && { facility, doctor, address };
  }

  /** In any facility. */
  hasAddress(id: string): boolean {
    return [...this.#facilities.values()].some(({ doctors }) =>
      doctors.some(({ addresses }) => addresses.some((address) => address.id === id)),
    );
  }

  /** At any address. */
  hasService(id: string): boolean {
    return [...this.#facilities.values()].some(({ doctors }) =>
      doctors.some(({ addresses }) =>
        addresses.some(({ services }) => services.some((service) => service.id === id)),
      ),
    );
  }

  /** In an open estate every service id is one. */
  service(address: KnownAddress, id: string): KnownService | undefined {
    return address.services.find((service) => service.id === id) ?? (this.#open ? { id } : undefined);
  }

  /** The clients that hear of what happens at an address of a facility. */
  audience(facilityId: string, address: KnownAddress): readonly string[] {
    if (address.assigned === false) return [];
    if (this.#clients === undefined) return [...(this.#users.get(facilityId) ?? [])];
    return [...this.#clients.keys()].filter((client) => this.#mayEnter(client, facilityId));
  }

  #mayEnter(client: string, facilityId: string): boolean {
    return this.#clients?.get(client)?.facilities?.includes(facilityId) ?? true;
  }

  #make(id: string): KnownFacility | undefined {
    if (!this.#open) return undefined;
    const facility: KnownFacility = { id, doctors: [] };
    this.#facilities.set(id, facility);
    return facility;
  }

  #use(client: string, facilityId: string): void {
    const users = this.#users.get(facilityId);
    if (users === undefined) this.#users.set(facilityId, new Set([client]));
    else users.add(client);
  }
}

function findDoctor(facility: KnownFacility, id: string, open: boolean): KnownDoctor | undefined {
  const doctor = facility.doctors.find((one) => one.id === id);
  if (doctor !== undefined || !open) return doctor;
  const made: KnownDoctor = { id, addresses: [] };
  facility.doctors.push(made);
  return made;
}

function findAddress(doctor: KnownDoctor, id: string, open: boolean): KnownAddress | undefined {
  const address = doctor.addresses.find((one) => one.id === id);
  if (address !== undefined || !open) return address;
  const made: KnownAddress = { id, services: [] };
  doctor.addresses.push(made);
  return made;
}
