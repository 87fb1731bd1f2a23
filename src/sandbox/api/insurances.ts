// The operations of insurance providers: the dictionary, and the providers that an address accepts. Contract: Estate.
import { z } from 'zod';
import type { Operation, OperationCall } from '../http/operation.js';
import { ApiError } from '../http/response.js';
import { insurancePlans, insuranceProviders } from '../market/dictionaries.js';
import type { ParsedAddress } from '../seed.js';
import { serializeCollection } from '../serialize.js';
import { ADDRESS, API_PREFIX } from './paths.js';
import { idSchema, parseBody, requireParam, resolveEditableTarget, resolveTarget } from './request.js';
import { readOperation } from './resources.js';

const providerSchema = z.object({
  insurance_provider_id: idSchema,
  insurance_plans: z.array(z.object({ insurance_plan_id: idSchema })).nullish(),
});

type AcceptedProvider = NonNullable<ParsedAddress['insuranceProviders']>[number];

const addAddressInsuranceProvider: Operation = {
  name: 'addAddressInsuranceProvider',
  method: 'POST',
  path: `${ADDRESS}/insurance-providers`,
  handle: (call) => {
    const { address } = resolveEditableTarget(call);
    const provider = parseProvider(call);
    if (acceptedProviders(address).some(({ id }) => id === provider.id)) {
      throw new ApiError(400, 'The insurance provider is already assigned to this address.');
    }
    address.insuranceProviders = [...acceptedProviders(address), provider];
    return { status: 204 };
  },
};

const updateOrCreateAddressInsuranceProvider: Operation = {
  name: 'updateOrCreateAddressInsuranceProvider',
  method: 'PUT',
  path: `${ADDRESS}/insurance-providers`,
  handle: (call) => {
    const { address } = resolveEditableTarget(call);
    const provider = parseProvider(call);
    address.insuranceProviders = [
      ...acceptedProviders(address).filter(({ id }) => id !== provider.id),
      provider,
    ];
    return { status: 204 };
  },
};

const deleteAddressInsuranceProvider: Operation = {
  name: 'deleteAddressInsuranceProvider',
  method: 'DELETE',
  path: `${ADDRESS}/insurance-providers/:providerId`,
  handle: (call) => {
    const { address } = resolveEditableTarget(call);
    const { id } = requireProvider(requireParam(call, 'providerId'));
    if (!acceptedProviders(address).some((accepted) => accepted.id === id)) {
      throw new ApiError(400, 'The insurance provider is not assigned to this address.');
    }
    address.insuranceProviders = acceptedProviders(address).filter((accepted) => accepted.id !== id);
    return { status: 204 };
  },
};

export const insuranceOperations: readonly Operation[] = [
  readOperation('getInsuranceProviders', `${API_PREFIX}/insurance-providers`, () =>
    serializeCollection(insuranceProviders, serializeProvider),
  ),
  readOperation('getInsurancePlans', `${API_PREFIX}/insurance-providers/:providerId/plans`, (call) =>
    serializeCollection(insurancePlans(requireParam(call, 'providerId')), serializePlan),
  ),
  readOperation('getAddressInsuranceProviders', `${ADDRESS}/insurance-providers`, (call) =>
    serializeCollection(acceptedProviders(resolveTarget(call).address), ({ id, plans }) => ({
      ...serializeProvider(requireProvider(id)),
      insurance_plans: serializeCollection(
        insurancePlans(id).filter((plan) => plans?.includes(plan.id) === true),
        serializePlan,
      ),
    })),
  ),
  addAddressInsuranceProvider,
  updateOrCreateAddressInsuranceProvider,
  deleteAddressInsuranceProvider,
];

function acceptedProviders({ insuranceProviders = [] }: ParsedAddress): readonly AcceptedProvider[] {
  return insuranceProviders;
}

function parseProvider(call: OperationCall): AcceptedProvider {
  const { insurance_provider_id: id, insurance_plans: plans } = parseBody(providerSchema, call);
  return {
    id: requireProvider(id).id,
    plans: (plans ?? []).map(({ insurance_plan_id }) => insurance_plan_id),
  };
}

function requireProvider(id: string) {
  const provider = insuranceProviders.find((one) => one.id === id);
  if (provider === undefined) throw new ApiError(404, 'The insurance provider is not in the dictionary.');
  return provider;
}

function serializeProvider({ id, name }: { readonly id: string; readonly name: string }) {
  return { insurance_provider_id: id, name };
}

function serializePlan({ id, name }: { readonly id: string; readonly name: string }) {
  return { insurance_plan_id: id, name };
}
