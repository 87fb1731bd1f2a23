// Reads the body of replaceSlots, and checks every rule the contract has for it. Contract: replaceSlots, exactly.
import { z } from 'zod';
import { type FieldErrors, Refusal } from '../http/answer.js';
import type { Call } from '../http/operation.js';
import type { Replacement } from '../market/schedule.js';
import type { Insurance, Interval, OfferedService, WorkPeriod } from '../market/starts.js';
import { bodyAs, idSchema, instantSchema, minutesSchema, type Place } from './read.js';

export const HORIZON_MS = 12 * 7 * 24 * 60 * 60_000;
const MINUTE = 60_000;

const slotSchema = z.object({
  start: instantSchema,
  end: instantSchema,
  address_services: z.array(z.object({ address_service_id: idSchema, duration: minutesSchema })).nullish(),
  insurance_accepted: z
    .enum(
      ['with-and-without-insurance', 'without-insurance-only', 'with-insurance-only'],
      'The value you selected is not a valid choice.',
    )
    .nullish(),
  insurance_providers: z.array(idSchema).nullish(),
  insurance_plans: z.array(idSchema).nullish(),
});

const bodySchema = z.object({ slots: z.array(slotSchema, 'This value should be a list.') });

type Slot = z.output<typeof slotSchema>;

/** Throws the 400 that names every offending entry by its index; an unknown service names none. */
export function readReplacement(call: Call, place: Place): Replacement {
  const { slots } = bodyAs(bodySchema, call);
  const errors: FieldErrors = Object.fromEntries(
    slots.flatMap((slot, index) => Object.entries(errorsIn(slot, index, call.now, place))),
  );
  if (Object.keys(errors).length > 0) throw new Refusal(400, 'Validation failed.', { errors });

  const unknown = slots
    .flatMap((slot) => slot.address_services ?? [])
    .find(
      (service) => call.market.directory.service(place.address, service.address_service_id) === undefined,
    );
  if (unknown !== undefined) throw new Refusal(400, 'Address service does not exist.');

  const offered: WorkPeriod[] = [];
  const removed: Interval[] = [];
  for (const slot of slots) {
    const { start, end } = slot;
    const services = servicesOf(slot);
    if (services.length === 0) removed.push({ start, end });
    else
      offered.push({ start, end, terms: call.market.shareTerms({ services, insurance: insuranceOf(slot) }) });
  }
  return { offered, removed };
}

function errorsIn(slot: Slot, index: number, now: number, { calendar }: Place): FieldErrors {
  const at = (field: string, message: string): FieldErrors => ({ [`slots[${index}].${field}`]: [message] });
  return {
    ...endErrors(slot, now, (date) => calendar.zone.dateOf(date), at),
    ...insuranceErrors(slot, at),
  };
}

type At = (field: string, message: string) => FieldErrors;

function endErrors(
  { start, end }: Slot,
  now: number,
  dateOf: (instant: number) => string,
  at: At,
): FieldErrors {
  if (end <= start) return at('end', 'End date should be greater than start date.');
  if (end - start < MINUTE) return at('end', 'End date should be at least 1 minute after start date.');
  if (end > now + HORIZON_MS) return at('end', 'End date should not be later than 12 weeks from now.');
  if (dateOf(start) !== dateOf(end)) return at('end', 'The slot exceeds a single day boundary.');
  return {};
}

function insuranceErrors(slot: Slot, at: At): FieldErrors {
  const providers = slot.insurance_providers ?? [];
  if (slot.insurance_accepted === 'with-insurance-only' && providers.length === 0) {
    return at('insurance_providers', 'Insurance providers are required with with-insurance-only.');
  }
  if (slot.insurance_accepted === 'without-insurance-only' && providers.length > 0) {
    return at('insurance_providers', 'Insurance providers are not allowed with without-insurance-only.');
  }
  return {};
}

function servicesOf(slot: Slot): readonly OfferedService[] {
  return (slot.address_services ?? []).map(({ address_service_id, duration }) => ({
    id: address_service_id,
    duration,
  }));
}

function insuranceOf(slot: Slot): Insurance {
  return {
    accepted: slot.insurance_accepted ?? 'with-and-without-insurance',
    providers: slot.insurance_providers ?? [],
    plans: slot.insurance_plans ?? [],
  };
}
