/** Validates insurance terms and converts them into the fields of a slot. Contract: replaceSlots. */
import { InvalidScheduleError } from './invalid-schedule-error.js';
import { isRecord } from './is-record.js';
import type { InsuranceAccepted, Slot } from './types.js';

export type Terms = Pick<Slot, 'insurance_providers' | 'insurance_plans'> & {
  readonly insurance_accepted: InsuranceAccepted;
};

const ACCEPTED_VALUES: readonly unknown[] = [
  'with-and-without-insurance',
  'without-insurance-only',
  'with-insurance-only',
] satisfies InsuranceAccepted[];

function isAccepted(value: unknown): value is InsuranceAccepted {
  return ACCEPTED_VALUES.includes(value);
}

/**
 * Returns normalized terms: ids are sorted and unique, and empty lists are omitted. Absent terms return undefined and differ
 * from terms that equal the marketplace's default, because absent terms are not sent.
 * @throws InvalidScheduleError at `path` or below it
 */
export function readTerms(insurance: unknown, path: string): Terms | undefined {
  if (insurance === undefined) return undefined;
  if (!isRecord(insurance)) throw new InvalidScheduleError(path, 'must be an object');
  const { accepted } = insurance;
  if (!isAccepted(accepted)) {
    throw new InvalidScheduleError(`${path}.accepted`, `must be one of ${ACCEPTED_VALUES.join(', ')}`);
  }
  const providers = readIds(insurance.providers, `${path}.providers`);
  const plans = readIds(insurance.plans, `${path}.plans`);
  if (accepted === 'with-insurance-only' && providers.length === 0) {
    throw new InvalidScheduleError(
      `${path}.providers`,
      'must list an insurer where only insured patients are accepted',
    );
  }
  if (accepted === 'without-insurance-only' && providers.length > 0) {
    throw new InvalidScheduleError(
      `${path}.providers`,
      'must be absent where insured patients are not accepted',
    );
  }
  if (accepted === 'without-insurance-only' && plans.length > 0) {
    throw new InvalidScheduleError(`${path}.plans`, 'must be absent where insured patients are not accepted');
  }
  return Object.freeze({
    insurance_accepted: accepted,
    ...(providers.length > 0 && { insurance_providers: providers }),
    ...(plans.length > 0 && { insurance_plans: plans }),
  });
}

function readIds(list: unknown, path: string): readonly string[] {
  if (list === undefined) return [];
  if (!Array.isArray(list)) throw new InvalidScheduleError(path, 'must be a list of ids');
  const ids = new Set<string>();
  for (const [i, id] of list.entries()) {
    if (typeof id !== 'string' || id === '')
      throw new InvalidScheduleError(`${path}[${i}]`, 'must be a text');
    ids.add(id);
  }
  return Object.freeze([...ids].sort());
}
