// The marketplace's dictionaries, the same for every client: services, insurance providers and their plans.

interface Entry {
  readonly id: string;
  readonly name: string;
}

/** Each service has the ids of its specializations. */
export const dictionaryServices: readonly (Entry & { readonly specializations: readonly string[] })[] = [
  { id: '1', name: 'First visit', specializations: ['12', '23'] },
  { id: '2', name: 'Follow-up visit', specializations: ['12'] },
  { id: '3', name: 'Ultrasound', specializations: ['23'] },
];

export const insuranceProviders: readonly (Entry & { readonly plans: readonly Entry[] })[] = [
  {
    id: '1',
    name: 'Insurance provider 1',
    plans: [
      { id: '101', name: 'Plan 101' },
      { id: '102', name: 'Plan 102' },
    ],
  },
  { id: '2', name: 'Insurance provider 2', plans: [{ id: '201', name: 'Plan 201' }] },
  { id: '3', name: 'Insurance provider 3', plans: [] },
];

/** Empty for a provider that is not in the dictionary. */
export function insurancePlans(providerId: string): readonly Entry[] {
  return insuranceProviders.find(({ id }) => id === providerId)?.plans ?? [];
}
