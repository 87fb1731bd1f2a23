// Where a booking moves to when moveBooking names another address: one of the same facility. Contract: Resources, moveBooking.
import { Refusal } from '../http/answer.js';
import type { Call } from '../http/operation.js';
import { assertEditable, found, type Place, placeAt } from './read.js';

/** The doctor's own address of that id first, then another doctor's of the facility; 403 outside it, 400 where there is none. */
export function moveTarget(call: Call, { ref }: Place, addressId: string): Place {
  const { doctors } = found(call.market.directory.facility(call.client, ref.facilityId));
  const holders = doctors.filter(({ addresses }) => addresses.some(({ id }) => id === addressId));
  const doctor = holders.find(({ id }) => id === ref.doctorId) ?? holders[0];
  if (doctor === undefined) {
    throw call.market.directory.hasAddress(addressId)
      ? new Refusal(403, 'This address does not belong to this facility.')
      : new Refusal(400, 'The address does not exist.');
  }
  const target = placeAt(call, { ...ref, doctorId: doctor.id, addressId });
  assertEditable(target);
  return target;
}
