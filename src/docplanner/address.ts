// The key of a calendar in the marketplace, and the API paths below it.

/** A doctor of a facility. */
export interface DoctorKey {
  readonly facilityId: string;
  readonly doctorId: string;
}

/** A doctor at an address of a facility, which identifies a calendar in the marketplace. */
export interface AddressKey extends DoctorKey {
  readonly addressId: string;
}

/**
 * One percent-encoded segment of a path.
 * @throws TypeError for a value that a URL would resolve into another path
 */
export function segment(name: string, value: string): string {
  if (value === '' || value === '.' || value === '..') {
    throw new TypeError(`${name}: ${JSON.stringify(value)} cannot stand in a path`);
  }
  return encodeURIComponent(value);
}

/** `/facilities/{f}/doctors/{d}`. Contract: Resources. */
export function doctorPath({ facilityId, doctorId }: DoctorKey): string {
  return `/facilities/${segment('facilityId', facilityId)}/doctors/${segment('doctorId', doctorId)}`;
}

/** `/facilities/{f}/doctors/{d}/addresses/{a}`, with the path `below` it. Contract: Resources. */
export function addressPath(address: AddressKey, below?: string): string {
  const path = `${doctorPath(address)}/addresses/${segment('addressId', address.addressId)}`;
  return below === undefined ? path : `${path}/${below}`;
}
