// Resolves the other address that moveBooking names, which must be in the same facility. Contract: Resources, moveBooking.

import type { OperationCall } from '../http/operation.js';
import { ApiError } from '../http/response.js';
import { assertEditable, type CalendarTarget, requireFound, resolveTargetAt } from './request.js';

/**
 * An address of the same doctor takes precedence over another doctor's of the facility.
 * @throws ApiError 403 for an address of another facility, 400 for an unknown one
 */
export function resolveMoveTarget(
  call: OperationCall,
  { ref }: CalendarTarget,
  addressId: string,
): CalendarTarget {
  const { doctors } = requireFound(call.market.directory.lookUpFacility(call.client, ref.facilityId));
  const candidates = doctors.filter(({ addresses }) => addresses.some(({ id }) => id === addressId));
  const doctor = candidates.find(({ id }) => id === ref.doctorId) ?? candidates[0];
  if (doctor === undefined) {
    throw call.market.directory.hasAddress(addressId)
      ? new ApiError(403, 'This address does not belong to this facility.')
      : new ApiError(400, 'The address does not exist.');
  }
  const target = resolveTargetAt(call, { ...ref, doctorId: doctor.id, addressId });
  assertEditable(target);
  return target;
}
