// Converts the ids of insurance providers and plans in replaceSlots from text to the whole numbers on the wire.
// Contract: replaceSlots.

import type { MarketplaceErrors } from './errors/docplanner-error.js';
import type { WireSlot } from './requests.js';

const FIELDS = ['insurance_providers', 'insurance_plans'] as const;

/** Whether the id of an insurance provider or plan can be sent. */
export const isWholeNumber = (id: string): boolean => /^(0|[1-9]\d{0,14})$/.test(id);

/** Reasons by path, such as `slots[1].insurance_plans[0]`; undefined when all ids can be sent. */
export function findInsuranceProblems(slots: readonly WireSlot[]): MarketplaceErrors | undefined {
  const problems = slots.flatMap((slot, index) =>
    FIELDS.flatMap((field) =>
      (slot[field] ?? []).flatMap((id, n) =>
        isWholeNumber(id) ? [] : [[`slots[${index}].${field}[${n}]`, [describeInvalidId(id)]] as const],
      ),
    ),
  );
  return problems.length === 0 ? undefined : Object.fromEntries(problems);
}

export function toWireSlot(slot: WireSlot): object {
  const numbers = FIELDS.flatMap((field) => {
    const ids = slot[field];
    return ids === undefined ? [] : [[field, ids.map(Number)] as const];
  });
  return { ...slot, ...Object.fromEntries(numbers) };
}

const describeInvalidId = (id: string): string =>
  `${JSON.stringify(id.slice(0, 64))} is not a whole number, and the marketplace takes no other ids here`;
