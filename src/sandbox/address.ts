// Names one calendar: a doctor at an address of a facility.

export interface AddressRef {
  readonly facilityId: string;
  readonly doctorId: string;
  readonly addressId: string;
}

export function addressKey({ facilityId, doctorId, addressId }: AddressRef): string {
  return `${facilityId}/${doctorId}/${addressId}`;
}
