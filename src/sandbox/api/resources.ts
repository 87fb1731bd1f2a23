// What exists: facilities, doctors, addresses. Contract: Resources, Estate.
import { z } from 'zod';
import { Refusal } from '../http/answer.js';
import type { Call, Operation } from '../http/operation.js';
import { unassign } from '../market/places.js';
import { insuranceSupportSchema } from '../seed.js';
import { assignedOf, items, writtenAddress, writtenDoctor, writtenFacility } from '../serialize.js';
import { ADDRESS, API_PREFIX, DOCTOR, FACILITY } from './paths.js';
import { bodyAs, editablePlaceOf, found, param, placeOf, scopesOf } from './read.js';

const facilityOf = (call: Call) =>
  found(call.market.directory.facility(call.client, param(call, 'facilityId')));
export const doctorOf = (call: Call) =>
  found(call.market.directory.doctor(call.client, param(call, 'facilityId'), param(call, 'doctorId')));

/** An address by itself always says what it asks of patients. */
const addressScopes = (call: Call) => new Set([...scopesOf(call), 'address.booking_extra_fields']);

export function read(name: string, path: string, body: (call: Call) => unknown): Operation {
  return { name, method: 'GET', path, handle: (call) => ({ status: 200, body: body(call) }) };
}

const updateSchema = z.object({ insurance_support: insuranceSupportSchema.optional() });

const updateAddress: Operation = {
  name: 'updateAddress',
  method: 'PATCH',
  path: ADDRESS,
  handle: (call) => {
    const { address } = editablePlaceOf(call);
    const { insurance_support: support } = bodyAs(updateSchema, call);
    if (support !== undefined) address.insuranceSupport = support;
    const scopes = new Set(['address.booking_extra_fields', 'address.insurance_support']);
    return { status: 200, body: writtenAddress(address, scopes) };
  },
};

const removeAddressIntegration: Operation = {
  name: 'removeAddressIntegration',
  method: 'DELETE',
  path: `${ADDRESS}/integration`,
  handle: (call) => {
    const place = placeOf(call);
    if (call.market.directory.client(call.client)?.removesIntegrations !== true) {
      throw new Refusal(403, 'You are not authorized to use this feature.');
    }
    unassign(call.market, place, call.now);
    return { status: 202 };
  },
};

export const resourceOperations: readonly Operation[] = [
  read('getFacilities', `${API_PREFIX}/facilities`, (call) =>
    items(call.market.directory.facilitiesOf(call.client), (facility) => writtenFacility(facility)),
  ),
  read('getFacility', FACILITY, (call) => writtenFacility(facilityOf(call), scopesOf(call))),
  read('getDoctors', `${FACILITY}/doctors`, (call) =>
    items(facilityOf(call).doctors, (doctor) => writtenDoctor(doctor, scopesOf(call))),
  ),
  read('getDoctor', DOCTOR, (call) => {
    const [doctor, asked] = [doctorOf(call), scopesOf(call)];
    return {
      ...writtenDoctor(doctor, new Set([...asked, 'doctor.specializations'])),
      ...(asked.has('doctor.addresses') && {
        addresses: items(assignedOf(doctor), (address) => writtenAddress(address, asked)),
      }),
    };
  }),
  read('getAddresses', `${DOCTOR}/addresses`, (call) =>
    items(assignedOf(doctorOf(call)), (address) => writtenAddress(address, addressScopes(call))),
  ),
  read('getAddress', ADDRESS, (call) => writtenAddress(placeOf(call).address, addressScopes(call))),
  updateAddress,
  removeAddressIntegration,
];
