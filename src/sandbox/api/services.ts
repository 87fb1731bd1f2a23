// The dictionary of services, and the services of an address. Contract: Estate.
import { z } from 'zod';
import { Refusal } from '../http/answer.js';
import type { Call, Operation } from '../http/operation.js';
import { dictionaryServices } from '../market/dictionaries.js';
import { changeServices } from '../market/places.js';
import { allowedPatientsSchema, type KnownService } from '../seed.js';
import { items, writtenService } from '../serialize.js';
import { ADDRESS, API_PREFIX } from './paths.js';
import {
  bodyAs,
  editablePlaceOf,
  idSchema,
  instantIn,
  invalid,
  minutesSchema,
  type Place,
  param,
  placeOf,
  scopesOf,
} from './read.js';
import { read } from './resources.js';

const changesSchema = z.object({
  is_price_from: z.boolean().optional(),
  price: z.number('The price should be null or a number.').nonnegative().nullish(),
  description: z.string().nullish(),
  is_visible: z.boolean().optional(),
  default_duration: minutesSchema.nullish(),
  allowed_patients: allowedPatientsSchema.nullish(),
  custom_name: z.string().min(1, 'This value should not be empty.').nullish(),
});
const addSchema = changesSchema.extend({ service_id: idSchema });

type Changes = z.output<typeof changesSchema>;

const addAddressService: Operation = {
  name: 'addAddressService',
  method: 'POST',
  path: `${ADDRESS}/services`,
  handle: (call) => {
    const place = editablePlaceOf(call);
    const { service_id: serviceId, ...changes } = bodyAs(addSchema, call);
    const entry = dictionaryServices.find(({ id }) => id === serviceId);
    if (entry === undefined) throw new Refusal(404, 'Object not found.');
    const { services } = place.address;
    if (services.some((service) => service.serviceId === serviceId)) {
      throw new Refusal(409, 'The address service already exists.');
    }
    const id = call.market.newServiceId(place.address);
    const service = changed({ id, name: entry.name, serviceId }, changes);
    changeServices(call.market, place, [...services, service], 'integration', call.now);
    return {
      status: 201,
      headers: { location: `${call.path}/${service.id}` },
      body: writtenService(service),
    };
  },
};

const updateAddressService: Operation = {
  name: 'updateAddressService',
  method: 'PATCH',
  path: `${ADDRESS}/services/:serviceId`,
  handle: (call) => {
    const place = editablePlaceOf(call);
    const service = changed(serviceIn(call, place), bodyAs(changesSchema, call));
    const services = place.address.services.map((one) => (one.id === service.id ? service : one));
    changeServices(call.market, place, services, 'integration', call.now);
    return { status: 200, body: writtenService(service) };
  },
};

const deleteAddressService: Operation = {
  name: 'deleteAddressService',
  method: 'DELETE',
  path: `${ADDRESS}/services/:serviceId`,
  handle: (call) => {
    const place = editablePlaceOf(call);
    const { id } = serviceIn(call, place);
    const services = place.address.services.filter((service) => service.id !== id);
    changeServices(call.market, place, services, 'integration', call.now);
    return { status: 204 };
  },
};

export const serviceOperations: readonly Operation[] = [
  read('getServices', `${API_PREFIX}/services`, (call) => {
    const specialization = call.query.get('specialization_id');
    const some = dictionaryServices.filter(
      ({ specializations }) => specialization === null || specializations.includes(specialization),
    );
    return items(some, ({ id, name }) => ({ id, name }));
  }),
  read('getAddressServices', `${ADDRESS}/services`, (call) => {
    const { address, calendar } = placeOf(call);
    const scopes = scopesOf(call);
    if (!call.query.has('start')) {
      return items(address.services, (service) => writtenService(service, scopes));
    }
    const offered = calendar.servicesOn(instantIn(call, 'start'));
    const some = address.services.filter(({ id }) => offered.has(id));
    return items(some, (service) => ({
      ...writtenService(service, scopes),
      duration: offered.get(service.id),
    }));
  }),
  read('getAddressService', `${ADDRESS}/services/:serviceId`, (call) =>
    writtenService(serviceIn(call, placeOf(call)), scopesOf(call)),
  ),
  addAddressService,
  updateAddressService,
  deleteAddressService,
];

/** Throws 403 for a service of another address, 404 for none. */
function serviceIn(call: Call, { address }: Place): KnownService {
  const id = param(call, 'serviceId');
  const service = address.services.find((one) => one.id === id);
  if (service !== undefined) return service;
  throw call.market.directory.hasService(id)
    ? new Refusal(403, 'This service does not belong to this address.')
    : new Refusal(404, 'Object not found.');
}

/** What is not sent stays; null takes away. */
function changed(service: KnownService, changes: Changes): KnownService {
  const { price = service.price, description = service.description } = changes;
  if (price !== undefined && price !== null && !Number.isFinite(price))
    throw invalid('price', 'is no number');
  return {
    ...service,
    // Further decimals are cut off.
    price: typeof price === 'number' ? Math.trunc(price * 100) / 100 : price,
    description,
    isPriceFrom: changes.is_price_from ?? service.isPriceFrom,
    isVisible: changes.is_visible ?? service.isVisible,
    duration: changes.default_duration ?? service.duration,
    allowedPatients:
      changes.allowed_patients === undefined ? service.allowedPatients : changes.allowed_patients,
    customName: changes.custom_name === undefined ? service.customName : changes.custom_name,
  };
}
