// The marketplace's key of one calendar, and the paths below it.

/** A doctor at an address of a facility: the marketplace's name of a calendar. */
export interface AddressKey {
  readonly facilityId: string;
  readonly doctorId: string;
  readonly addressId: string;
}

/** One percent-encoded segment of a path. Throws a `TypeError` for what a URL would resolve into another path. */
export function segment(name: string, value: string): string {
  if (value === '' || value === '.' || value === '..') {
    throw new TypeError(`${name}: ${JSON.stringify(value)} cannot stand in a path`);
  }
  return encodeURIComponent(value);
}

/** `/facilities/{f}/doctors/{d}/addresses/{a}` and what is below it. Contract: resources. */
export function addressPath(address: AddressKey, below: string): string {
  const facility = segment('facilityId', address.facilityId);
  const doctor = segment('doctorId', address.doctorId);
  const at = segment('addressId', address.addressId);
  return `/facilities/${facility}/doctors/${doctor}/addresses/${at}/${below}`;
}
