// The operations of facilities, doctors and addresses. Contract: Resources, Estate.
import { z } from 'zod';
import type { Operation, OperationCall } from '../http/operation.js';
import { ApiError } from '../http/response.js';
import { unassignAddress } from '../market/addresses.js';
import { insuranceSupportSchema } from '../seed.js';
import {
  assignedAddresses,
  serializeAddress,
  serializeCollection,
  serializeDoctor,
  serializeFacility,
} from '../serialize.js';
import { ADDRESS, API_PREFIX, DOCTOR, FACILITY } from './paths.js';
import {
  parseBody,
  parseScopes,
  requireFound,
  requireParam,
  resolveEditableTarget,
  resolveTarget,
} from './request.js';

const requireFacility = (call: OperationCall) =>
  requireFound(call.market.directory.lookUpFacility(call.client, requireParam(call, 'facilityId')));
export const requireDoctor = (call: OperationCall) =>
  requireFound(
    call.market.directory.lookUpDoctor(
      call.client,
      requireParam(call, 'facilityId'),
      requireParam(call, 'doctorId'),
    ),
  );

/** A response with an address always includes the extra fields that a patient must fill in. */
const addressScopes = (call: OperationCall) =>
  new Set([...parseScopes(call), 'address.booking_extra_fields']);

export function readOperation(name: string, path: string, body: (call: OperationCall) => unknown): Operation {
  return { name, method: 'GET', path, handle: (call) => ({ status: 200, body: body(call) }) };
}

const updateSchema = z.object({ insurance_support: insuranceSupportSchema.optional() });

const updateAddress: Operation = {
  name: 'updateAddress',
  method: 'PATCH',
  path: ADDRESS,
  handle: (call) => {
    const { address } = resolveEditableTarget(call);
    const { insurance_support: support } = parseBody(updateSchema, call);
    if (support !== undefined) address.insuranceSupport = support;
    const scopes = new Set(['address.booking_extra_fields', 'address.insurance_support']);
    return { status: 200, body: serializeAddress(address, scopes) };
  },
};

const removeAddressIntegration: Operation = {
  name: 'removeAddressIntegration',
  method: 'DELETE',
  path: `${ADDRESS}/integration`,
  handle: (call) => {
    const target = resolveTarget(call);
    if (call.market.directory.findClient(call.client)?.removesIntegrations !== true) {
      throw new ApiError(403, 'You are not authorized to use this feature.');
    }
    unassignAddress(call.market, target, call.now);
    return { status: 202 };
  },
};

export const resourceOperations: readonly Operation[] = [
  readOperation('getFacilities', `${API_PREFIX}/facilities`, (call) =>
    serializeCollection(call.market.directory.listFacilities(call.client), (facility) =>
      serializeFacility(facility),
    ),
  ),
  readOperation('getFacility', FACILITY, (call) =>
    serializeFacility(requireFacility(call), parseScopes(call)),
  ),
  readOperation('getDoctors', `${FACILITY}/doctors`, (call) =>
    serializeCollection(requireFacility(call).doctors, (doctor) =>
      serializeDoctor(doctor, parseScopes(call)),
    ),
  ),
  readOperation('getDoctor', DOCTOR, (call) => {
    const [doctor, scopes] = [requireDoctor(call), parseScopes(call)];
    return {
      ...serializeDoctor(doctor, new Set([...scopes, 'doctor.specializations'])),
      ...(scopes.has('doctor.addresses') && {
        addresses: serializeCollection(assignedAddresses(doctor), (address) =>
          serializeAddress(address, scopes),
        ),
      }),
    };
  }),
  readOperation('getAddresses', `${DOCTOR}/addresses`, (call) =>
    serializeCollection(assignedAddresses(requireDoctor(call)), (address) =>
      serializeAddress(address, addressScopes(call)),
    ),
  ),
  readOperation('getAddress', ADDRESS, (call) =>
    serializeAddress(resolveTarget(call).address, addressScopes(call)),
  ),
  updateAddress,
  removeAddressIntegration,
];
