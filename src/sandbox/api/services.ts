// The operations of services: the dictionary, and the services of an address. Contract: Estate.
import { z } from 'zod';
import type { Operation, OperationCall } from '../http/operation.js';
import { ApiError } from '../http/response.js';
import { changeServices } from '../market/addresses.js';
import { dictionaryServices } from '../market/dictionaries.js';
import { allowedPatientsSchema, type ParsedService } from '../seed.js';
import { serializeCollection, serializeService } from '../serialize.js';
import { ADDRESS, API_PREFIX } from './paths.js';
import {
  type CalendarTarget,
  idSchema,
  invalidRequest,
  minutesSchema,
  parseBody,
  parseInstantParam,
  parseScopes,
  requireParam,
  resolveEditableTarget,
  resolveTarget,
} from './request.js';
import { readOperation } from './resources.js';

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

type ServiceChanges = z.output<typeof changesSchema>;

const addAddressService: Operation = {
  name: 'addAddressService',
  method: 'POST',
  path: `${ADDRESS}/services`,
  handle: (call) => {
    const target = resolveEditableTarget(call);
    const { service_id: serviceId, ...changes } = parseBody(addSchema, call);
    const entry = dictionaryServices.find(({ id }) => id === serviceId);
    if (entry === undefined) throw new ApiError(404, 'Object not found.');
    const { services } = target.address;
    if (services.some((service) => service.serviceId === serviceId)) {
      throw new ApiError(409, 'The address service already exists.');
    }
    const id = call.market.createServiceId(target.address);
    const service = applyChanges({ id, name: entry.name, serviceId }, changes);
    changeServices(call.market, target, [...services, service], 'integration', call.now);
    return {
      status: 201,
      headers: { location: `${call.path}/${service.id}` },
      body: serializeService(service),
    };
  },
};

const updateAddressService: Operation = {
  name: 'updateAddressService',
  method: 'PATCH',
  path: `${ADDRESS}/services/:serviceId`,
  handle: (call) => {
    const target = resolveEditableTarget(call);
    const service = applyChanges(requireService(call, target), parseBody(changesSchema, call));
    const services = target.address.services.map((one) => (one.id === service.id ? service : one));
    changeServices(call.market, target, services, 'integration', call.now);
    return { status: 200, body: serializeService(service) };
  },
};

const deleteAddressService: Operation = {
  name: 'deleteAddressService',
  method: 'DELETE',
  path: `${ADDRESS}/services/:serviceId`,
  handle: (call) => {
    const target = resolveEditableTarget(call);
    const { id } = requireService(call, target);
    const services = target.address.services.filter((service) => service.id !== id);
    changeServices(call.market, target, services, 'integration', call.now);
    return { status: 204 };
  },
};

export const serviceOperations: readonly Operation[] = [
  readOperation('getServices', `${API_PREFIX}/services`, (call) => {
    const specialization = call.query.get('specialization_id');
    const matching = dictionaryServices.filter(
      ({ specializations }) => specialization === null || specializations.includes(specialization),
    );
    return serializeCollection(matching, ({ id, name }) => ({ id, name }));
  }),
  readOperation('getAddressServices', `${ADDRESS}/services`, (call) => {
    const { address, calendar } = resolveTarget(call);
    const scopes = parseScopes(call);
    if (!call.query.has('start')) {
      return serializeCollection(address.services, (service) => serializeService(service, scopes));
    }
    const offered = calendar.listServicesOn(parseInstantParam(call, 'start'));
    const matching = address.services.filter(({ id }) => offered.has(id));
    return serializeCollection(matching, (service) => ({
      ...serializeService(service, scopes),
      duration: offered.get(service.id),
    }));
  }),
  readOperation('getAddressService', `${ADDRESS}/services/:serviceId`, (call) =>
    serializeService(requireService(call, resolveTarget(call)), parseScopes(call)),
  ),
  addAddressService,
  updateAddressService,
  deleteAddressService,
];

/** @throws ApiError 403 for a service of another address, 404 for an unknown one */
function requireService(call: OperationCall, { address }: CalendarTarget): ParsedService {
  const id = requireParam(call, 'serviceId');
  const service = address.services.find((one) => one.id === id);
  if (service !== undefined) return service;
  throw call.market.directory.hasService(id)
    ? new ApiError(403, 'This service does not belong to this address.')
    : new ApiError(404, 'Object not found.');
}

/** Fields that are not sent keep their value; null clears a field. */
function applyChanges(service: ParsedService, changes: ServiceChanges): ParsedService {
  const { price = service.price, description = service.description } = changes;
  if (price !== undefined && price !== null && !Number.isFinite(price))
    throw invalidRequest('price', 'is no number');
  return {
    ...service,
    // The price is truncated to two decimals.
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
