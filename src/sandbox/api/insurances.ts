// The dictionary of insurance providers, and those that an address takes. Contract: Estate.
import { z } from 'zod';
import { Refusal } from '../http/answer.js';
import type { Call, Operation } from '../http/operation.js';
import { insurancePlans, insuranceProviders } from '../market/dictionaries.js';
import type { KnownAddress } from '../seed.js';
import { items } from '../serialize.js';
import { ADDRESS, API_PREFIX } from './paths.js';
import { bodyAs, editablePlaceOf, idSchema, param, placeOf } from './read.js';
import { read } from './resources.js';

const providerSchema = z.object({
  insurance_provider_id: idSchema,
  insurance_plans: z.array(z.object({ insurance_plan_id: idSchema })).nullish(),
});

type Taken = NonNullable<KnownAddress['insuranceProviders']>[number];

const addAddressInsuranceProvider: Operation = {
  name: 'addAddressInsuranceProvider',
  method: 'POST',
  path: `${ADDRESS}/insurance-providers`,
  handle: (call) => {
    const { address } = editablePlaceOf(call);
    const provider = providerIn(call);
    if (takenBy(address).some(({ id }) => id === provider.id)) {
      throw new Refusal(400, 'The insurance provider is already assigned to this address.');
    }
    address.insuranceProviders = [...takenBy(address), provider];
    return { status: 204 };
  },
};

const updateOrCreateAddressInsuranceProvider: Operation = {
  name: 'updateOrCreateAddressInsuranceProvider',
  method: 'PUT',
  path: `${ADDRESS}/insurance-providers`,
  handle: (call) => {
    const { address } = editablePlaceOf(call);
    const provider = providerIn(call);
    address.insuranceProviders = [...takenBy(address).filter(({ id }) => id !== provider.id), provider];
    return { status: 204 };
  },
};

const deleteAddressInsuranceProvider: Operation = {
  name: 'deleteAddressInsuranceProvider',
  method: 'DELETE',
  path: `${ADDRESS}/insurance-providers/:providerId`,
  handle: (call) => {
    const { address } = editablePlaceOf(call);
    const { id } = known(param(call, 'providerId'));
    if (!takenBy(address).some((taken) => taken.id === id)) {
      throw new Refusal(400, 'The insurance provider is not assigned to this address.');
    }
    address.insuranceProviders = takenBy(address).filter((taken) => taken.id !== id);
    return { status: 204 };
  },
};

export const insuranceOperations: readonly Operation[] = [
  read('getInsuranceProviders', `${API_PREFIX}/insurance-providers`, () =>
    items(insuranceProviders, writtenProvider),
  ),
  read('getInsurancePlans', `${API_PREFIX}/insurance-providers/:providerId/plans`, (call) =>
    items(insurancePlans(param(call, 'providerId')), writtenPlan),
  ),
  read('getAddressInsuranceProviders', `${ADDRESS}/insurance-providers`, (call) =>
    items(takenBy(placeOf(call).address), ({ id, plans }) => ({
      ...writtenProvider(known(id)),
      insurance_plans: items(
        insurancePlans(id).filter((plan) => plans?.includes(plan.id) === true),
        writtenPlan,
      ),
    })),
  ),
  addAddressInsuranceProvider,
  updateOrCreateAddressInsuranceProvider,
  deleteAddressInsuranceProvider,
];

function takenBy({ insuranceProviders = [] }: KnownAddress): readonly Taken[] {
  return insuranceProviders;
}

function providerIn(call: Call): Taken {
  const { insurance_provider_id: id, insurance_plans: plans } = bodyAs(providerSchema, call);
  return { id: known(id).id, plans: (plans ?? []).map(({ insurance_plan_id }) => insurance_plan_id) };
}

function known(id: string) {
  const provider = insuranceProviders.find((one) => one.id === id);
  if (provider === undefined) throw new Refusal(404, 'The insurance provider is not in the dictionary.');
  return provider;
}

function writtenProvider({ id, name }: { readonly id: string; readonly name: string }) {
  return { insurance_provider_id: id, name };
}

function writtenPlan({ id, name }: { readonly id: string; readonly name: string }) {
  return { insurance_plan_id: id, name };
}
