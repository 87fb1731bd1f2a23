// What exists, read only: facilities, doctors, addresses and their services. Contract: Resources.
import type { Call, Operation } from '../http/operation.js';
import { writtenAddress, writtenDoctor, writtenFacility, writtenService } from '../written.js';
import { ADDRESS, API_PREFIX, DOCTOR, FACILITY } from './paths.js';
import { found, param, placeOf } from './read.js';

const facilityOf = (call: Call) =>
  found(call.market.directory.facility(call.client, param(call, 'facilityId')));
const doctorOf = (call: Call) =>
  found(call.market.directory.doctor(call.client, param(call, 'facilityId'), param(call, 'doctorId')));

function read(name: string, path: string, body: (call: Call) => unknown): Operation {
  return { name, method: 'GET', path, handle: (call) => ({ status: 200, body: body(call) }) };
}

function list<Item>(items: readonly Item[], write: (item: Item) => unknown) {
  return { _items: items.map((item) => write(item)) };
}

export const resourceOperations: readonly Operation[] = [
  read('getFacilities', `${API_PREFIX}/facilities`, (call) =>
    list(call.market.directory.facilitiesOf(call.client), writtenFacility),
  ),
  read('getFacility', FACILITY, (call) => writtenFacility(facilityOf(call))),
  read('getDoctors', `${FACILITY}/doctors`, (call) => list(facilityOf(call).doctors, writtenDoctor)),
  read('getDoctor', DOCTOR, (call) => writtenDoctor(doctorOf(call))),
  read('getAddresses', `${DOCTOR}/addresses`, (call) =>
    list(
      doctorOf(call).addresses.filter(({ assigned }) => assigned !== false),
      writtenAddress,
    ),
  ),
  read('getAddress', ADDRESS, (call) => writtenAddress(placeOf(call).address)),
  read('getAddressServices', `${ADDRESS}/services`, (call) =>
    list(placeOf(call).address.services, (service) =>
      call.query.has('start') && service.duration !== undefined
        ? { ...writtenService(service), duration: service.duration }
        : writtenService(service),
    ),
  ),
];
