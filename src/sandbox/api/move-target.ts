// Where a booking moves to when moveBooking names another address: one of the same facility. Contract: Resources, moveBooking.
import { Refusal } from '../http/answer.js';
import type { Call } from '../http/operation.js';
import { assertEditable, found, type Place, placeAt } from './read.js';

/** The doctor's own address of that id first, then another doctor's of the facility; 403 when there is none. */
export function moveTarget(call: Call, { ref }: Place, addressId: string): Place {
  const { doctors } = found(call.market.directory.facility(call.client, ref.facilityId));
  const holders = doctors.filter(({ addresses }) => addresses.some(({ id }) => id === addressId));
  const doctor = holders.find(({ id }) => id === ref.doctorId) ?? holders[0];
  if (doctor === undefined) throw new Refusal(403, 'The address is not in this facility.');
  const target = placeAt(call, { ...ref, doctorId: doctor.id, addressId });
  assertEditable(target);
  return target;
}
