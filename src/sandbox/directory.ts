// Looks up clients, facilities, doctors, addresses and services. Without an estate every id is created on first use; with an
// estate only its ids exist.
import type { AddressRef } from './address.js';
import type {
  ParsedAddress,
  ParsedClient,
  ParsedDoctor,
  ParsedEstate,
  ParsedFacility,
  ParsedService,
} from './seed.js';

/** `outside`: the client has no access, 403. `gone`: the client has access, but the id does not exist, 404. */
export type Lookup<Found> =
  | { readonly state: 'found'; readonly found: Found }
  | { readonly state: 'outside' }
  | { readonly state: 'gone'; readonly what: 'Doctor' | 'Address' };

export class Directory {
  readonly #facilities = new Map<string, ParsedFacility>();
  readonly #clients: ReadonlyMap<string, ParsedClient> | undefined;
  readonly #createsOnUse: boolean;
  /** Without an estate: by facility id, the clients that used the facility, which are the clients to notify. */
  readonly #clientsByFacility = new Map<string, Set<string>>();

  constructor(estate: ParsedEstate | undefined, clients: readonly ParsedClient[] | undefined) {
    this.#createsOnUse = estate === undefined;
    for (const facility of estate?.facilities ?? []) this.#facilities.set(facility.id, facility);
    this.#clients = clients && new Map(clients.map((client) => [client.id, client]));
  }

  /** Without a list of clients any credentials that are not empty are accepted. */
  authenticate(id: string, secret: string): boolean {
    if (this.#clients === undefined) return id !== '' && secret !== '';
    return this.#clients.get(id)?.secret === secret;
  }

  findClient(id: string): ParsedClient | undefined {
    return this.#clients?.get(id);
  }

  listFacilities(client: string): readonly ParsedFacility[] {
    return [...this.#facilities.values()].filter((facility) => this.#hasAccess(client, facility.id));
  }

  lookUpFacility(client: string, facilityId: string): Lookup<ParsedFacility> {
    if (!this.#hasAccess(client, facilityId)) return { state: 'outside' };
    if (this.#createsOnUse) this.#recordUse(client, facilityId);
    const found = this.#facilities.get(facilityId) ?? this.#createIfOpen(facilityId);
    return found === undefined ? { state: 'outside' } : { state: 'found', found };
  }

  lookUpDoctor(client: string, facilityId: string, doctorId: string): Lookup<ParsedDoctor> {
    const facility = this.lookUpFacility(client, facilityId);
    if (facility.state !== 'found') return facility;
    const found = resolveDoctor(facility.found, doctorId, this.#createsOnUse);
    return found === undefined ? { state: 'gone', what: 'Doctor' } : { state: 'found', found };
  }

  lookUpAddress(client: string, ref: AddressRef): Lookup<ParsedAddress> {
    const doctor = this.lookUpDoctor(client, ref.facilityId, ref.doctorId);
    if (doctor.state !== 'found') return doctor;
    const found = resolveAddress(doctor.found, ref.addressId, this.#createsOnUse);
    if (found?.assigned === false) return { state: 'outside' };
    return found === undefined ? { state: 'gone', what: 'Address' } : { state: 'found', found };
  }

  /** For the controls, which are not bound to a client. Undefined where the address does not exist. */
  resolve(
    ref: AddressRef,
  ): { facility: ParsedFacility; doctor: ParsedDoctor; address: ParsedAddress } | undefined {
    const facility = this.#facilities.get(ref.facilityId) ?? this.#createIfOpen(ref.facilityId);
    const doctor = facility && resolveDoctor(facility, ref.doctorId, this.#createsOnUse);
    const address = doctor && resolveAddress(doctor, ref.addressId, this.#createsOnUse);
    return facility && doctor && address && { facility, doctor, address };
  }

  /** Whether any facility has the address. */
  hasAddress(id: string): boolean {
    return [...this.#facilities.values()].some(({ doctors }) =>
      doctors.some(({ addresses }) => addresses.some((address) => address.id === id)),
    );
  }

  /** Whether any address has the service. */
  hasService(id: string): boolean {
    return [...this.#facilities.values()].some(({ doctors }) =>
      doctors.some(({ addresses }) =>
        addresses.some(({ services }) => services.some((service) => service.id === id)),
      ),
    );
  }

  /** Without an estate every service id exists. */
  findService(address: ParsedAddress, id: string): ParsedService | undefined {
    return address.services.find((service) => service.id === id) ?? (this.#createsOnUse ? { id } : undefined);
  }

  /** The ids of the clients that are notified of changes at an address. */
  listNotifiedClients(facilityId: string, address: ParsedAddress): readonly string[] {
    if (address.assigned === false) return [];
    if (this.#clients === undefined) return [...(this.#clientsByFacility.get(facilityId) ?? [])];
    return [...this.#clients.keys()].filter((client) => this.#hasAccess(client, facilityId));
  }

  #hasAccess(client: string, facilityId: string): boolean {
    return this.#clients?.get(client)?.facilities?.includes(facilityId) ?? true;
  }

  #createIfOpen(id: string): ParsedFacility | undefined {
    if (!this.#createsOnUse) return undefined;
    const facility: ParsedFacility = { id, doctors: [] };
    this.#facilities.set(id, facility);
    return facility;
  }

  #recordUse(client: string, facilityId: string): void {
    const clients = this.#clientsByFacility.get(facilityId);
    if (clients === undefined) this.#clientsByFacility.set(facilityId, new Set([client]));
    else clients.add(client);
  }
}

function resolveDoctor(
  facility: ParsedFacility,
  id: string,
  createsOnUse: boolean,
): ParsedDoctor | undefined {
  const doctor = facility.doctors.find((one) => one.id === id);
  if (doctor !== undefined || !createsOnUse) return doctor;
  const created: ParsedDoctor = { id, addresses: [] };
  facility.doctors.push(created);
  return created;
}

function resolveAddress(doctor: ParsedDoctor, id: string, createsOnUse: boolean): ParsedAddress | undefined {
  const address = doctor.addresses.find((one) => one.id === id);
  if (address !== undefined || !createsOnUse) return address;
  const created: ParsedAddress = { id, services: [] };
  doctor.addresses.push(created);
  return created;
}
