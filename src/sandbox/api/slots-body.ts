// Reads the body of replaceSlots, and checks every rule the contract has for it. Contract: replaceSlots.
import { z } from 'zod';
import { type FieldErrors, Refusal } from '../http/answer.js';
import type { Call } from '../http/operation.js';
import type { Replacement } from '../market/schedule.js';
import type { Insurance, Interval, OfferedService, WorkPeriod } from '../market/starts.js';
import { bodyAs, idSchema, instantSchema, minutesSchema, type Place } from './read.js';

export const HORIZON_MS = 12 * 7 * 24 * 60 * 60_000;
const MINUTE = 60_000;

const integerSchema = z.int('This value should be of type integer.');

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
  insurance_providers: z.array(integerSchema).nullish(),
  insurance_plans: z.array(integerSchema).nullish(),
});

const bodySchema = z.object({ slots: z.array(slotSchema, 'This value should be a list.') });

type Slot = z.output<typeof slotSchema>;

/** Throws the 400; only what is too short and what ends too late names its entry by its index. */
export function readReplacement(call: Call, place: Place): Replacement {
  const { slots } = bodyAs(bodySchema, call);
  const errors: FieldErrors = Object.assign({}, ...slots.map((slot, n) => errorsIn(slot, n, call.now)));
  if (Object.keys(errors).length > 0) throw new Refusal(400, 'Invalid arguments', { errors });
  for (const slot of slots) assertSellable(slot, place);

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

function errorsIn({ start, end }: Slot, index: number, now: number): FieldErrors {
  const at = (field: string, message: string): FieldErrors => ({ [`slots[${index}].${field}`]: [message] });
  if (end - start < MINUTE) {
    return at('minimumDifferenceBetweenDates', 'The end date must be at least 1 minute after the start date');
  }
  if (end > now + HORIZON_MS) return at('end', 'End date should not be later than 12 weeks from now.');
  return {};
}

function assertSellable(slot: Slot, { calendar: { zone } }: Place): void {
  const providers = slot.insurance_providers ?? [];
  if (zone.dateOf(slot.start) !== zone.dateOf(slot.end)) {
    const range = `${zone.format(slot.start)} - ${zone.format(slot.end)}`;
    throw new Refusal(400, `Slot for date range ${range} exceeds a single day boundary`);
  }
  if (slot.insurance_accepted === 'with-insurance-only' && providers.length === 0) {
    throw new Refusal(400, 'Insurance providers are required with with-insurance-only.');
  }
  if (slot.insurance_accepted === 'without-insurance-only' && providers.length > 0) {
    throw new Refusal(400, 'Insurance providers are not allowed with without-insurance-only.');
  }
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
    providers: (slot.insurance_providers ?? []).map(String),
    plans: (slot.insurance_plans ?? []).map(String),
  };
}
