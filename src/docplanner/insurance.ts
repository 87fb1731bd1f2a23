// Insurers and their plans in an entry of replaceSlots: text here, whole numbers on the wire. Contract: replaceSlots.

import type { MarketplaceErrors } from './errors/docplanner-error.js';
import type { WireSlot } from './requests.js';

const fields = ['insurance_providers', 'insurance_plans'] as const;

/** Whether the id of an insurer or a plan can be sent. */
export const isWholeNumber = (id: string): boolean => /^(0|[1-9]\d{0,14})$/.test(id);

/** Reasons by the name of the id, such as `slots[1].insurance_plans[0]`; undefined where all can be sent. */
export function insuranceProblems(slots: readonly WireSlot[]): MarketplaceErrors | undefined {
  const problems = slots.flatMap((slot, index) =>
    fields.flatMap((field) =>
      (slot[field] ?? []).flatMap((id, n) =>
        isWholeNumber(id) ? [] : [[`slots[${index}].${field}[${n}]`, [notWhole(id)]] as const],
      ),
    ),
  );
  return problems.length === 0 ? undefined : Object.fromEntries(problems);
}

export function withWholeNumbers(slot: WireSlot): object {
  const numbers = fields.flatMap((field) => {
    const ids = slot[field];
    return ids === undefined ? [] : [[field, ids.map(Number)] as const];
  });
  return { ...slot, ...Object.fromEntries(numbers) };
}

const notWhole = (id: string): string =>
  `${JSON.stringify(id.slice(0, 64))} is not a whole number, and the marketplace takes no other ids here`;
